"""A breaker for providers that have a bad day: five faults in a row, and they get a rest.

While it rests, one order every ten seconds is let through as a probe; the first that is answered
ends the rest. At five in a row a provider that fails always rests after five orders, one that fails
seven times in ten after about twenty, and one that fails three times in ten practically never.

An order that hangs says nothing, so it counts as a fault once it takes three times as long as any
of the last twenty did that were like it. Where too little is known, only after two minutes: a
picture of high quality may well take one.
"""

from __future__ import annotations

from datetime import datetime
from datetime import timedelta as td

from django.core.cache import cache
from django.db.models import QuerySet
from django.utils import timezone

from generation.models import Attempt, State
from generation.providers.base import (
    MISCONFIGURED,
    NO_CREDITS,
    OUTCOME_UNKNOWN,
    RATE_LIMITED,
    TRANSIENT,
)

FAULTS = frozenset({TRANSIENT, MISCONFIGURED, NO_CREDITS, OUTCOME_UNKNOWN, RATE_LIMITED})
LOST = "lost"
FAULTS_IN_A_ROW = 5
WATCHED = td(minutes=15)
WATCHED_ORDERS = 60
PROBE_EVERY = td(seconds=10)
KNOWN_ORDERS = 20
REMEMBERED_SECONDS = 15
ENOUGH_KNOWN = 5
SLOWER_TIMES = 3
LEAST_PATIENCE = td(seconds=8)
FIRST_PATIENCE = td(minutes=2)


def is_resting(name: str) -> bool:
    """Whether this provider gets no order now: it is open, and no probe is due."""
    now = timezone.now()
    if not is_open(name):
        return False
    newest = _orders(name, now)[0]
    return now - newest.started_at < PROBE_EVERY or _is_asked(newest, now)


def is_open(name: str) -> bool:
    """Whether the last that is known of this provider is nothing but faults."""
    now = timezone.now()
    known = [_known(order, now) for order in _telling(_orders(name, now))[:WATCHED_ORDERS]]
    last = sorted(filter(None, known), reverse=True)[:FAULTS_IN_A_ROW]
    return len(last) == FAULTS_IN_A_ROW and all(is_fault for _when, is_fault in last)


def _orders(name: str, now: datetime) -> QuerySet[Attempt]:
    """Those of late, the newest first. What a crash left open is no word of the provider's."""
    orders = Attempt.objects.filter(provider=name, started_at__gt=now - WATCHED)
    return orders.exclude(outcome=LOST).select_related("job").order_by("-pk")


def _telling(orders: QuerySet[Attempt]) -> QuerySet[Attempt]:
    """All but those that were accepted and are worked on: there is nothing to say of them yet."""
    return orders.exclude(outcome="", job__state=State.WAITING)


def _known(order: Attempt, now: datetime) -> tuple[datetime, bool] | None:
    """Since when an order says something about its provider, and whether that is a fault."""
    if order.ended_at:
        return order.ended_at, order.outcome in FAULTS
    hung_at = _hangs_from(order)
    return (hung_at, True) if hung_at and hung_at <= now else None


def _is_asked(order: Attempt, now: datetime) -> bool:
    """Whether an answer is waited for this moment, and may still come."""
    hung_at = _hangs_from(order)
    return hung_at is not None and hung_at > now


def _hangs_from(order: Attempt) -> datetime | None:
    """When an unanswered order becomes a fault; None where nobody waits for an answer."""
    job = order.job
    if order.outcome or job.state != State.RUNNING or job.provider_ref:
        return None
    return order.started_at + _patience(order.provider, job.tool)


def _patience(provider: str, tool: str) -> td:
    """Learned from the orders of the same tool: those of another may be far quicker."""
    key = f"patience:{provider}:{tool}"
    if (known := cache.get(key)) is not None:
        return known
    done = Attempt.objects.filter(provider=provider, job__tool=tool, outcome="done").order_by("-pk")
    spans = [
        end - start for start, end in done.values_list("started_at", "ended_at")[:KNOWN_ORDERS]
    ]
    enough = len(spans) >= ENOUGH_KNOWN
    learned = max(LEAST_PATIENCE, SLOWER_TIMES * max(spans)) if enough else FIRST_PATIENCE
    cache.set(key, learned, REMEMBERED_SECONDS)
    return learned
