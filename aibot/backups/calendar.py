"""Which backups are kept, and when the next is due. Pure: moments in, moments out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, time
from datetime import timedelta as td
from typing import Any

DAILY, WEEKLY, MONTHLY = 7, 4, 3
PERIODS: tuple[tuple[int, Callable[[datetime], Any]], ...] = (
    (DAILY, lambda moment: moment.date()),
    (WEEKLY, lambda moment: moment.isocalendar()[:2]),
    (MONTHLY, lambda moment: (moment.year, moment.month)),
)
LATE = td(hours=26)
"""A backup that is older than this should have been followed by another."""


def kept(taken: Iterable[datetime]) -> set[datetime]:
    """The newest of each of the last 7 days, 4 weeks and 3 months in which one was taken.

    Days without a backup do not count, so that a pause deletes nothing.
    """
    newest_first = sorted(taken, reverse=True)
    keep: set[datetime] = set()
    for number, period_of in PERIODS:
        newest: dict[Any, datetime] = {}
        for moment in newest_first:
            newest.setdefault(period_of(moment), moment)
        keep.update(list(newest.values())[:number])
    return keep


def is_due(last: datetime | None, at: time, now: datetime) -> bool:
    """Whether the day's moment has come since the last one was taken."""
    moment = datetime.combine(now.date(), at, tzinfo=now.tzinfo)
    if moment > now:
        moment -= td(days=1)
    return last is None or last < moment


def is_late(last: datetime | None, now: datetime) -> bool:
    return last is None or now - last > LATE
