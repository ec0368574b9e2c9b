"""Signing in a browser by a press in the chat: begun there, confirmed here, finished once.

The link carries a nonce, which others may see. What finishes it is the secret of the browser that
began, so whoever sees the link, or is sent one, gets nothing by it.
"""

from __future__ import annotations

import hashlib
import random
import secrets
from datetime import timedelta as td

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from billing.problem import Problem
from telegram_integration.models import Login, User

LIFE = td(minutes=5)
KEPT = td(days=1)
CHOICES = 3
START = "login_"  # how the nonce stands in a start parameter

REFUSALS = {
    "no_bot": (503, _("This studio has no bot connected, so Telegram sign-in is off.")),
    "unknown": (404, _("This sign-in link is not known here. Begin anew in the browser.")),
    "expired": (410, _("More than five minutes have passed. Begin anew in the browser.")),
    "elsewhere": (403, _("This sign-in was begun in another browser. Begin anew in this one.")),
    "declined": (403, _("You said no in the chat, so nobody was signed in.")),
    "used": (409, _("This sign-in link was already used. Begin anew in the browser.")),
    "banned": (403, _("This account is closed.")),
}


def _refused(reason: str) -> Problem:
    status, sentence = REFUSALS[reason]
    return Problem(f"login_{reason}", sentence, status=status)


def are_offered() -> bool:
    """Whether there is a bot that somebody could be sent to."""
    return bool(settings.TELEGRAM_BOT_NAME) and settings.TELEGRAM_MODE != "off"


def begin(secret: str) -> Login:
    """For the browser that holds this secret."""
    if not are_offered():
        raise _refused("no_bot")
    return Login.objects.create(nonce=secrets.token_urlsafe(24), browser=_digest(secret))


def link(login: Login) -> str:
    """Into the chat, where the person is asked."""
    return f"https://t.me/{settings.TELEGRAM_BOT_NAME}?start={START}{login.nonce}"


def number(nonce: str) -> str:
    """What the browser shows and the person presses in the chat.

    Not a secret. It makes people look at the browser before them, so that nobody says yes, out of
    habit, to a sign-in that somebody else has begun.
    """
    return _numbers(nonce)[0]


def choices(nonce: str) -> list[str]:
    """The number among others, the same at every look."""
    return sorted(_numbers(nonce))


def _numbers(nonce: str) -> list[str]:
    drawn = random.Random(nonce).sample(range(10, 100), CHOICES)  # noqa: S311 (no secret)
    return [str(one) for one in drawn]


def open_one(nonce: str) -> Login:
    """One that can still be confirmed. Raises a Problem that says why it cannot."""
    login = Login.objects.filter(nonce=nonce).first()
    if login is None:
        raise _refused("unknown")
    if reason := _why_over(login):
        raise _refused(reason)
    if login.user_id:
        raise _refused("used")
    return login


def confirm(nonce: str, user: User) -> None:
    """The person says that it was them. Said twice by the same person, it is said once."""
    if not _open().filter(nonce=nonce).update(user=user):
        said_before = Login.objects.filter(nonce=nonce, user=user, used_at=None).exists()
        if not said_before:
            open_one(nonce)
            raise _refused("used")


def decline(nonce: str) -> None:
    """It was not them. Whoever waits in that browser is told so."""
    if not _open().filter(nonce=nonce).update(declined_at=timezone.now()):
        open_one(nonce)


def finish(nonce: str, secret: str) -> User | None:
    """Whom to sign in in the browser with this secret, once. None: nobody has said anything yet."""
    login = Login.objects.select_related("user").filter(nonce=nonce).first()
    if login is None:
        raise _refused("unknown")
    if not secret or not constant_time_compare(login.browser, _digest(secret)):
        raise _refused("elsewhere")
    if reason := _why_over(login):
        raise _refused(reason)
    if login.user is None:
        return None
    if not login.user.is_active:
        raise _refused("banned")
    if not Login.objects.filter(pk=login.pk, used_at=None).update(used_at=timezone.now()):
        raise _refused("used")
    return login.user


def _open() -> QuerySet[Login]:
    young = Login.objects.filter(created_at__gt=timezone.now() - LIFE)
    return young.filter(user=None, declined_at=None)


def _why_over(login: Login) -> str:
    """Empty while something can still come of it."""
    if login.used_at:
        return "used"
    if login.declined_at:
        return "declined"
    return "expired" if timezone.now() - login.created_at >= LIFE else ""


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
