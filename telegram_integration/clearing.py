"""Forgetting messages that nobody needs any more, range by range, so that it may end anywhere.

Kept are those that wait, those with a picture that is still there and the message it stands in (its
buttons and answers to it go by them, and Telegram's name of the picture), and questions about
albums. Of broadcasts the numbers stay.
"""

from __future__ import annotations

import time
from datetime import datetime
from datetime import timedelta as td

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from telegram_integration.models import Broadcast, ChatJob, OutgoingMessage
from telegram_integration.outbox import LOST, OPEN

KEPT = td(days=30)
RANGE = 2000
MOST_SECONDS = 20.0
State = OutgoingMessage.State


def clear(now: datetime) -> int:
    """Returns how many messages are forgotten. What there is no time for is left to the next time;
    the newest are looked at first, for most of the others are kept."""
    drop_what_never_comes_due()
    before, end = now - KEPT, time.monotonic() + MOST_SECONDS
    ChatJob.objects.filter(edit_at=None, job__told_at__lt=before).delete()
    first, cleared = _first_since(before), 0
    while first > 0 and time.monotonic() < end:
        cleared += _clear_range(first - RANGE, first, before)
        first -= RANGE
    return cleared


def drop_what_never_comes_due() -> int:
    """Changes of a message that never arrived."""
    waiting = OutgoingMessage.objects.filter(state__in=OPEN, edits__state__in=LOST)
    return waiting.update(state=State.DROPPED)


def _first_since(moment: datetime) -> int:
    """The first number that is so young, by halving: there is no index for it, and none is needed,
    since numbers grow with time."""
    rows = OutgoingMessage.objects.order_by("pk")
    low, high = 0, (rows.values_list("pk", flat=True).last() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = rows.filter(pk__gte=middle).values_list("pk", "created_at").first()
        if row and row[1] < moment:
            low = row[0] + 1
        else:
            high = middle
    return low


@transaction.atomic
def _clear_range(low: int, high: int, before: datetime) -> int:
    """Changes first, then what nothing changes any more."""
    rows = OutgoingMessage.objects.filter(pk__gte=low, pk__lt=high, created_at__lt=before)
    return _forget(rows.filter(edits__isnull=False)) + _forget(rows.filter(edits=None))


def _forget(rows: QuerySet[OutgoingMessage]) -> int:
    shows = Q(photo=None) | Q(photo__deleted_at__isnull=False)
    over = Q(broadcast=None) | Q(broadcast__ended_at__isnull=False)
    in_use = ChatJob.objects.filter(message=OuterRef("pk"))
    changes = OutgoingMessage.objects.filter(edits=OuterRef("pk"))
    rows = rows.filter(shows, over, ~Exists(in_use), ~Exists(changes), data={})
    rows = rows.exclude(state__in=OPEN)
    found = list(rows.order_by("pk").values_list("pk", flat=True))
    if not found:
        return 0
    gone = OutgoingMessage.objects.filter(pk__in=found)
    _keep_numbers(gone)
    return gone.delete()[0]


def _keep_numbers(gone: QuerySet[OutgoingMessage]) -> None:
    told = gone.filter(broadcast__isnull=False).order_by()
    for broadcast, state, number in told.values_list("broadcast", "state").annotate(n=Count("pk")):
        name = f"cleared_{state}"
        Broadcast.objects.filter(pk=broadcast).update(**{name: F(name) + number})
