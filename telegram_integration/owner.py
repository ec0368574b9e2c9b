"""Alerts in the owner's chat: each once when it begins and once when it is well, and not too many.

Up to `OWNER_ALERTS_AN_HOUR` messages; what would be more comes together in one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta as td

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from generation import alerts
from generation.models import Alert
from telegram_integration import outbox, saying
from telegram_integration.models import Lane, OutgoingMessage, User

KEY = "alert:"
LISTED = 10
News = tuple[Alert, str]
BEGAN, ENDED = "told_at", "end_told_at"
"""Which column says that it was told: that it began, or that it is well again."""


def _is_news() -> bool:
    """Asked five times a second, so one question must do."""
    ended = Q(end_told_at=None, cleared_at__isnull=False)
    return Alert.objects.filter(Q(told_at=None) | ended).exists()


@transaction.atomic
def tell() -> int:
    """Write what the owner has not heard. Returns how many messages that were."""
    if not settings.OWNER_CHAT_ID or not _is_news():
        return 0
    _forget_the_short()
    news = _untold()
    room = settings.OWNER_ALERTS_AN_HOUR - _lately() if news else 0
    if room <= 0:
        return 0
    singly = news if len(news) <= room else news[: room - 1]
    together = news[len(singly) :]
    with translation.override(_language()):
        for one in filter(_take, singly):
            _say(f"{KEY}{one[0].pk}:{one[1]}", _about(one))
        if taken := list(filter(_take, together)):
            _say(f"{KEY}{taken[0][0].pk}:{taken[0][1]}", _about_all(taken))
    return len(singly) + bool(together)


def tell_without_the_bot() -> None:
    """Its process is silent: whoever found that out sends what is about to be said about it."""
    if not (settings.OWNER_CHAT_ID and settings.TELEGRAM_BOT_TOKEN):
        return
    from telegram_integration import delivery

    tell()
    waiting = OutgoingMessage.objects.filter(
        key__startswith=KEY, chat_id=settings.OWNER_CHAT_ID, state__in=outbox.OPEN,
        due_at__lte=timezone.now(),
    ).order_by("pk")  # fmt: skip
    delivery.send_now(list(waiting))


def _forget_the_short() -> None:
    """What began and ended before anybody was told is no news."""
    now = timezone.now()
    short = Alert.objects.filter(told_at=None, cleared_at__isnull=False)
    short.update(told_at=now, end_told_at=now)


def _untold() -> list[News]:
    """The oldest first."""
    began = Alert.objects.filter(told_at=None, cleared_at=None)
    ended = Alert.objects.filter(told_at__isnull=False, end_told_at=None, cleared_at__isnull=False)
    news = [(alert.created_at, alert, BEGAN) for alert in began]
    news += [(alert.cleared_at, alert, ENDED) for alert in ended]
    return [(alert, what) for _at, alert, what in sorted(news, key=lambda one: one[0])]


def _lately() -> int:
    since = timezone.now() - td(hours=1)
    return OutgoingMessage.objects.filter(key__startswith=KEY, created_at__gt=since).count()


def _take(news: News) -> bool:
    """Whoever writes it down first tells it: the bot and a worker may both be about to."""
    alert, what = news
    untold = Alert.objects.filter(pk=alert.pk, **{what: None})
    return bool(untold.update(**{what: timezone.now()}))


def _say(key: str, text: str) -> None:
    saying.say(settings.OWNER_CHAT_ID, text, key=key, lane=Lane.RESULT)


def _language() -> str:
    person = User.objects.filter(telegram_id=settings.OWNER_CHAT_ID).first()
    return person.language if person else settings.LANGUAGE_CODE


def _about(news: News) -> str:
    alert, what = news
    return SENTENCES[what](alert)


def _began(alert: Alert) -> str:
    return "\n".join(filter(None, [f"⚠️ {alert.key}", alert.text, str(alerts.fix(alert))]))


def _ended(alert: Alert) -> str:
    return "✅ " + _("%(what)s is well again.") % {"what": alert.key}


SENTENCES: dict[str, Callable[[Alert], str]] = {BEGAN: _began, ENDED: _ended}
SIGNS = {BEGAN: "⚠️", ENDED: "✅"}


def _about_all(news: list[News]) -> str:
    many = ngettext("And %(number)d more:", "And %(number)d more:", len(news))
    lines = [f"{SIGNS[what]} {alert.key}" for alert, what in news[:LISTED]]
    rest = ["…"] if len(news) > LISTED else []
    address = f"{settings.SITE_URL}/admin/generation/alert/"
    return "\n".join([many % {"number": len(news)}, *lines, *rest, address])
