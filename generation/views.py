"""Pages about pictures. They only read; whatever changes something goes through the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from billing import ledger
from billing.catalogue import listed_price
from billing.models import Price
from generation.models import OPEN, Aspect, Draft, Input, Job, Photo, State, Tool, Zone
from generation.serializers import JobSerializer

GALLERY_PAGE = 60
RECENT_UPLOADS = 12
EDITS_LOOKED_AT = 60
FRAGMENTS = {"": "_job.html", "card": "_job_card.html", "bubble": "_edit_bubble.html"}


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    going = Job.objects.filter(owner=request.user.pk, state__in=OPEN).order_by("-created_at")
    inputs = Prefetch("inputs", Input.objects.select_related("photo"))
    context = {
        "balance": ledger.balance(request.user.pk),
        "running": going.prefetch_related(inputs)[:3],
        "draft": Draft.objects.filter(owner=request.user).select_related("person", "item").first(),
    }
    return render(request, "generation/home.html", context)


@require_safe
@login_required
def tryon(request: HttpRequest) -> HttpResponse:
    """The wizard: a photo of you, a photo of the item, then where and for how much."""
    draft = Draft.objects.filter(owner=request.user).select_related("person", "item").first()
    context = _offer(request, Tool.TRYON) | {"draft": draft, "zones": Zone.choices}
    return render(request, "generation/tryon.html", context)


@require_safe
@login_required
def edit(request: HttpRequest) -> HttpResponse:
    """The editor, around the picture in ``?photo=<code>`` and whatever came of it."""
    base = _chosen(request)
    versions = _versions(base)
    context = _offer(request, Tool.EDIT) | {"base": base, "versions": versions}
    context["root"] = versions[0].photo if versions else base
    return render(request, "generation/edit.html", context)


@require_safe
@login_required
def imagine(request: HttpRequest) -> HttpResponse:
    context = _offer(request, Tool.IMAGINE) | {
        "aspects": [choice for choice in Aspect.choices if choice[0] != Aspect.AUTO],
        "counts": range(1, 5),
    }
    return render(request, "generation/imagine.html", context)


@require_safe
@login_required
def job(request: HttpRequest, code: UUID) -> HttpResponse:
    """One job, live. ``?fragment`` answers the part that a new state replaces, by where it is."""
    found = get_object_or_404(_jobs(request), code=code)
    inputs = _inputs(found)
    context = {"job": found, "data": JobSerializer(found).data, "inputs": inputs}
    context["before"] = inputs.get("person", inputs.get("base"))
    name = FRAGMENTS.get(request.GET.get("fragment"), "job.html")
    return render(request, f"generation/{name}", context)


@require_safe
@login_required
def gallery(request: HttpRequest) -> HttpResponse:
    """Everything made for the person, newest first; ``tool`` and ``favourite`` narrow it."""
    pictures = Photo.objects.filter(owner=request.user, deleted_at=None).exclude(job=None)
    pictures = pictures.select_related("job").order_by("-created_at")
    if (tool := request.GET.get("tool")) in Tool.values:
        pictures = pictures.filter(job__tool=tool)
    if "favourite" in request.GET:
        pictures = pictures.filter(favourite=True)
    page = Paginator(pictures, GALLERY_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "tools": Tool.choices, "tool": tool}
    return render(request, "generation/gallery.html", context)


@require_safe
@login_required
def picture(request: HttpRequest, code: UUID) -> HttpResponse:
    """One picture: beside what it was made from, with its recipe."""
    mine = Photo.objects.filter(owner=request.user, deleted_at=None).select_related("job")
    mine = mine.prefetch_related("job__inputs__photo")
    found = get_object_or_404(mine, code=code)
    inputs = _inputs(found.job) if found.job else {}
    context = {
        "picture": found,
        "inputs": inputs,
        "before": inputs.get("person", inputs.get("base")),
    }
    return render(request, "generation/picture.html", context)


def _jobs(request: HttpRequest) -> Any:
    mine = Job.objects.filter(owner=request.user.pk).order_by("-created_at")
    inputs = Prefetch("inputs", Input.objects.select_related("photo"))
    return mine.prefetch_related("results", inputs)


def _inputs(found: Job) -> dict[str, Photo]:
    """Photos that the job works with, by role, those still there."""
    pairs = [(i.role, i.photo) for i in found.inputs.all() if not i.photo.deleted_at]
    return {role: photo for role, photo in pairs if role != Input.Role.REFERENCE}


def _offer(request: HttpRequest, tool: Tool) -> dict[str, Any]:
    """What the tool costs this person now, and photos that they sent before."""
    price: Price = listed_price(tool)
    have = ledger.balance(request.user.pk)
    sent = Photo.objects.filter(owner=request.user.pk, job=None, deleted_at=None)
    return {
        "quote": ledger.quote(price, have),
        "balance": have,
        "recent": sent.order_by("-created_at")[:RECENT_UPLOADS],
    }


def _chosen(request: HttpRequest) -> Photo | None:
    """The photo named in the address. A wrong name is nobody's photo: 404."""
    if not (code := request.GET.get("photo")):
        return None
    mine = Photo.objects.filter(owner=request.user.pk, deleted_at=None)
    try:
        return get_object_or_404(mine, code=UUID(code))
    except ValueError:
        return get_object_or_404(mine.none())


def _versions(base: Photo | None) -> list[Input]:
    """Edits of this picture's family, oldest first: what it came from and what came of it."""
    if base is None:
        return []
    mine = Input.objects.filter(role=Input.Role.BASE, job__owner=base.owner_id, job__tool=Tool.EDIT)
    edits = mine.filter(job__state__in=(State.DONE, *OPEN)).order_by("-job")[:EDITS_LOOKED_AT]
    edits = edits.select_related("job", "photo").prefetch_related("job__results")
    return _family(base, list(reversed(edits)))


def _family(base: Photo, edits: list[Input]) -> list[Input]:
    """Those with the same first photo. Oldest first, so a parent is known before its child."""
    root_of: dict[int, int] = {}
    roots = []
    for edit in edits:
        roots.append(root_of.get(edit.photo_id, edit.photo_id))
        root_of |= {photo.pk: roots[-1] for photo in edit.job.results.all()}
    mine = root_of.get(base.pk, base.pk)
    return [edit for edit, root in zip(edits, roots, strict=True) if root == mine]
