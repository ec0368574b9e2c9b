"""How far broadcasts are, counted from their messages."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from telegram_integration.broadcasts import left
from telegram_integration.models import Broadcast, OutgoingMessage

Status = Broadcast.Status
State = OutgoingMessage.State


@dataclass(frozen=True)
class Progress:
    """Of how many people, how many have it, and how many could not be reached."""

    wanted: int
    sent: int
    failed: int

    @property
    def percent(self) -> int:
        return 100 * (self.sent + self.failed) // self.wanted if self.wanted else 100


def counted(rows: QuerySet[Broadcast]) -> QuerySet[Broadcast]:
    """With the numbers of their messages, which `progress` needs."""
    return rows.annotate(
        written=_number(*State.values), sent=_number(State.SENT), failed=_number(State.FAILED),
        dropped=_number(State.DROPPED),
    )  # fmt: skip


def progress(row: Broadcast) -> Progress:
    """Of a row that was `counted`. Messages that a stop dropped did not fail."""
    failed, dropped = row.failed + row.cleared_failed, row.dropped + row.cleared_dropped
    written = row.written + row.cleared_sent + row.cleared_failed + row.cleared_dropped
    to_come = 0 if row.status == Status.DONE else left(row).count()
    unreached = failed if row.status == Status.STOPPED else failed + dropped
    return Progress(written + to_come, row.sent + row.cleared_sent, unreached)


def _number(*states: str) -> Coalesce:
    mine = OutgoingMessage.objects.filter(broadcast=OuterRef("pk"), state__in=states).order_by()
    return Coalesce(Subquery(mine.values("broadcast").annotate(n=Count("pk")).values("n")), 0)
