"""Pages about the person: sign in, the demo's door, the profile; and a picture for a story."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from billing import ledger, referrals
from billing.catalogue import listed_price
from billing.subscriptions import plan_of
from generation.models import Photo
from generation.showing import answer_with
from telegram_integration import hand_over, logins, people
from telegram_integration.api import BACKEND, speak


@require_safe
@ensure_csrf_cookie
def sign_in(request: HttpRequest) -> HttpResponse:
    """Inside Telegram the page signs in by itself; a browser goes through the bot or the demo."""
    onward = _onward(request, request.GET.get("next", ""))
    if request.user.is_authenticated:
        return redirect(onward)
    if invite := request.GET.get("ref"):
        request.session["invite"] = invite.removeprefix(referrals.START)[:16]
    context = {"next": onward, "demo": settings.DEBUG, "bot": settings.TELEGRAM_BOT_NAME}
    context["login"] = logins.are_offered()
    return render(request, "telegram_integration/sign_in.html", context)


@require_POST
def demo(request: HttpRequest) -> HttpResponse:
    """Sign a guest in. Outside debug there is no such door."""
    if not settings.DEBUG:
        raise Http404
    guest = people.make_guest(request.session.pop("invite", ""))
    login(request, guest, backend=BACKEND)
    return speak(redirect(_onward(request, request.POST.get("next", ""))), guest)


@require_safe
@ensure_csrf_cookie
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    context = {
        "balance": ledger.balance(request.user.pk),
        "plan": plan_of(request.user.pk),
        "tryon_price": listed_price("tryon"),
        "api_keys": request.user.api_keys.filter(revoked_at=None),
        "languages": settings.LANGUAGES,
    }
    return render(request, "telegram_integration/profile.html", context)


@require_safe
def about(request: HttpRequest, about: str) -> HttpResponse:
    """Help, terms, privacy: for everybody."""
    return render(request, f"about/{about}.html", {"contact": settings.SUPPORT_CONTACT})


@require_safe
def story(request: HttpRequest, code: UUID, expires: int, token: str) -> HttpResponseBase:
    """The picture for Telegram's story editor, by a link that its owner has just asked for."""
    if not hand_over.story_link_is_good(code, expires, token):
        raise Http404
    photo = get_object_or_404(Photo, code=code, deleted_at=None)
    response = answer_with(photo.master)
    response["Cache-Control"] = "private, no-store"
    return response


def _onward(request: HttpRequest, wanted: str) -> str:
    """Back to where the person came from, never to another site."""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if safe else reverse("home")
