"""Who may be written to, and who of them belongs to which segment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from datetime import timedelta as td

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from billing.models import Payment, Subscription
from generation.models import Job
from telegram_integration.models import Segment, User

RECENT, LONG = td(days=7), td(days=30)

Rule = Callable[[datetime], Q]


def audience(segment: str, now: datetime | None = None) -> QuerySet[User]:
    """Whom the bot can reach, of this segment as it is at ``now``."""
    reachable = User.objects.filter(
        telegram_id__isnull=False, chat_since__isnull=False, blocked_at=None, is_active=True
    )
    return reachable.filter(RULES[segment](now or timezone.now()))


def _has_plan(now: datetime) -> Q:
    return Q(Exists(Subscription.objects.running(now).filter(account__user=OuterRef("pk"))))


def _lapsed(now: datetime) -> Q:
    """Who is still asked for the renewal would buy twice."""
    ended = Subscription.objects.filter(ends_at__lte=now)
    ended = ended.exclude(pk__in=Subscription.objects.in_grace(now).values("pk"))
    return Q(Exists(ended.filter(account__user=OuterRef("pk"))))


def _paid(now: datetime) -> Q:
    made = Payment.objects.filter(status=Payment.Status.SUCCEEDED)
    return Q(Exists(made.filter(account__user=OuterRef("pk"))))


def _seen_since(moment: datetime) -> Q:
    """Wrote to the bot, asked for a picture, or signed in."""
    asked = Job.objects.filter(owner=OuterRef("pk"), created_at__gte=moment)
    return Q(last_login__gte=moment) | Q(wrote_at__gte=moment) | Q(Exists(asked))


RULES: dict[str, Rule] = {
    Segment.EVERYBODY: lambda now: Q(),
    Segment.PLAN: _has_plan,
    Segment.LAPSED: _lapsed,
    Segment.UNPAID: lambda now: ~_paid(now),
    Segment.PAID: _paid,
    Segment.ACTIVE: lambda now: _seen_since(now - RECENT),
    Segment.SILENT: lambda now: ~_seen_since(now - LONG),
    Segment.RUSSIAN: lambda now: Q(language="ru"),
    Segment.ENGLISH: lambda now: Q(language="en"),
    Segment.STAFF: lambda now: Q(is_staff=True),
}
