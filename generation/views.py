"""Pages about pictures. They only read; whatever changes something goes through the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import FilteredRelation, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from billing import ledger, notices
from billing.catalogue import listed_price
from billing.models import Price
from billing.problem import Problem
from generation import retention
from generation.models import (
    MESSAGE_LIMIT,
    OPEN,
    PICTURE_TOOLS,
    Aspect,
    Draft,
    Input,
    Job,
    Message,
    Photo,
    State,
    Tool,
    Zone,
)
from generation.reshaping import LEAST, MOST
from generation.serializers import JobSerializer

GALLERY_PAGE = 60
RECENT_UPLOADS = 12
TURNS_SHOWN = 60
FRAGMENTS = {"": "_job.html", "card": "_job_card.html", "bubble": "_edit_bubble.html"}


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    going = Job.objects.filter(owner=request.user.pk, state__in=OPEN, tool__in=PICTURE_TOOLS)
    going = going.order_by("-created_at")
    inputs = Prefetch("inputs", Input.objects.select_related("photo"))
    context = {
        "balance": ledger.balance(request.user.pk),
        "notices": notices.open_of(request.user.pk),
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
    if base and base.deleted_at:
        return _gone(request, base)
    context = _offer(request, Tool.EDIT) | {"base": base, "turns": _turns(base)}
    context |= {"talk_quote": _talk_quote(context["balance"]), "message_limit": MESSAGE_LIMIT}
    context["drawn"] = {turn.prompt for turn in context["turns"] if turn.tool == Tool.EDIT}
    context["root"] = base and (base.root or base)
    return render(request, "generation/edit.html", context)


@require_safe
@login_required
def imagine(request: HttpRequest) -> HttpResponse:
    context = _offer(request, Tool.IMAGINE) | {
        "aspects": Aspect.shapes(),
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
    if found.tool == Tool.ASSISTANT:
        return _talk(request, context)
    return render(request, f"generation/{name}", context)


@require_safe
@login_required
def gallery(request: HttpRequest) -> HttpResponse:
    """Everything made for the person, newest first; ``tool`` and ``favourite`` narrow it."""
    pictures = Photo.objects.made().filter(owner=request.user, deleted_at=None)
    pictures = pictures.select_related("job", "parent").order_by("-created_at")
    if (tool := request.GET.get("tool")) in PICTURE_TOOLS:
        pictures = pictures.filter(job__tool=tool)
    if "favourite" in request.GET:
        pictures = pictures.filter(favourite=True)
    page = Paginator(pictures, GALLERY_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "tools": Tool.for_pictures(), "tool": tool}
    return render(request, "generation/gallery.html", context)


@require_safe
@login_required
def picture(request: HttpRequest, code: UUID) -> HttpResponse:
    """One picture: beside what it was made from, with its recipe."""
    mine = Photo.objects.filter(owner=request.user).select_related("job", "parent")
    found = get_object_or_404(mine.prefetch_related("job__inputs__photo"), code=code)
    if found.deleted_at:
        return _gone(request, found)
    inputs = _inputs(found.job) if found.job else _parent(found)
    context = {
        "picture": found,
        "inputs": inputs,
        "before": inputs.get("person", inputs.get("base")),
        "kept_until": retention.kept_until(found),
        "some_gone": any(photo.deleted_at for photo in _sources(found)),
    }
    return render(request, "generation/picture.html", context)


@require_safe
@login_required
def reshape(request: HttpRequest, code: UUID) -> HttpResponse:
    """Where a picture is rotated, cropped and resized by hand."""
    found = get_object_or_404(Photo, owner=request.user, code=code)
    if found.deleted_at:
        return _gone(request, found)
    context = {"picture": found, "aspects": Aspect.shapes()}
    return render(request, "generation/reshape.html", context | {"least": LEAST, "most": MOST})


def _gone(request: HttpRequest, photo: Photo) -> HttpResponse:
    """It was theirs, and it is not kept any more: why, and where to go from here."""
    return render(request, "generation/gone.html", {"photo": photo}, status=410)


def _talk(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """A turn of the assistant as a bubble. It has no page of its own: it stands in the editor."""
    if request.GET.get("fragment") != "bubble":
        about = context["before"]
        return redirect(reverse("edit") + (f"?photo={about.code}" if about else ""))
    context |= _offer(request, Tool.EDIT) | {"answer": context["data"]["answer"]}
    return render(request, "generation/_talk_bubble.html", context)


def _jobs(request: HttpRequest) -> Any:
    mine = Job.objects.filter(owner=request.user.pk).order_by("-created_at")
    inputs = Prefetch("inputs", Input.objects.select_related("photo"))
    return mine.prefetch_related("results", inputs)


def _inputs(found: Job) -> dict[str, Photo]:
    """Photos that the job works with, by role, those still there."""
    pairs = [(i.role, i.photo) for i in found.inputs.all() if not i.photo.deleted_at]
    return {role: photo for role, photo in pairs if role != Input.Role.REFERENCE}


def _sources(found: Photo) -> list[Photo]:
    """All that it was made from, whether it is still there or not."""
    if found.job:
        return [one.photo for one in found.job.inputs.all()]
    return [found.parent] if found.parent else []


def _parent(found: Photo) -> dict[str, Photo]:
    """What a free tool made it from, if that is still there."""
    parent = found.parent
    return {"parent": parent} if parent and not parent.deleted_at else {}


def _offer(request: HttpRequest, tool: Tool) -> dict[str, Any]:
    """What the tool costs this person now, and photos that they sent before."""
    price: Price = listed_price(tool)
    have = ledger.balance(request.user.pk)
    sent = Photo.objects.sent().filter(owner=request.user.pk, deleted_at=None)
    return {
        "quote": ledger.quote(price, have),
        "balance": have,
        "recent": sent.order_by("-created_at")[:RECENT_UPLOADS],
    }


def _chosen(request: HttpRequest) -> Photo | None:
    """The photo named in the address. A wrong name is nobody's photo: 404."""
    if not (code := request.GET.get("photo")):
        return None
    mine = Photo.objects.filter(owner=request.user.pk).select_related("root")
    try:
        return get_object_or_404(mine, code=UUID(code))
    except ValueError:
        return get_object_or_404(mine.none())


def _turns(base: Photo | None) -> list[Job]:
    """What was asked about this picture's family, oldest first: edits, and the assistant's turns
    with their answers. An edit that was cancelled left nothing behind; words that were said stay.
    """
    if base is None:
        return []
    said = Q(messages__role=Message.Role.ASSISTANT)
    asked = Job.objects.filter(owner=base.owner_id).annotate(
        about=FilteredRelation("inputs", condition=Q(inputs__role=Input.Role.BASE)),
        answer=FilteredRelation("messages", condition=said),
    )
    family = Q(about__photo=base.root_pk) | Q(about__photo__root=base.root_pk)
    shown = Q(tool=Tool.EDIT) & ~Q(state=State.CANCELLED) | Q(tool=Tool.ASSISTANT)
    turns = asked.filter(family, shown).exclude(prompt="").select_related("about__photo", "answer")
    return list(reversed(turns.prefetch_related("results").order_by("-pk")[:TURNS_SHOWN]))


def _talk_quote(have: ledger.Balance) -> ledger.Quote | None:
    """What a turn of the assistant costs; None where staff took it off sale."""
    try:
        return ledger.quote(listed_price(Tool.ASSISTANT), have)
    except Problem:
        return None
