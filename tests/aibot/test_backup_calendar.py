"""Which backups are kept, and when the next one is due."""

from __future__ import annotations

from datetime import UTC, datetime, time
from datetime import timedelta as td

import pytest

from aibot.backups import calendar

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def days_before(*days: float) -> list[datetime]:
    return [NOON - td(days=day) for day in days]


def test_seven_days_four_weeks_and_three_months_are_kept() -> None:
    kept = sorted(calendar.kept(days_before(*range(120))), reverse=True)
    assert kept[:7] == days_before(*range(7))
    older = [(moment.month, moment.day) for moment in kept[7:]]  # two Sundays, two ends of months
    assert older == [(11, 15), (11, 8), (10, 31), (9, 30)]


def test_of_one_day_the_newest_is_kept() -> None:
    assert calendar.kept(days_before(0, 0.1, 0.2)) == {NOON}


def test_a_pause_of_a_year_deletes_nothing() -> None:
    old = days_before(365, 366, 367)
    assert calendar.kept([*old, NOON]) == {*old, NOON}


def test_what_was_kept_once_is_kept_until_enough_newer_ones_are_there() -> None:
    """Day by day, as it is done: never fewer than the promise, never one that came back."""
    there: set[datetime] = set()
    for day in range(200):
        there = calendar.kept({*there, NOON + td(days=day)})
    assert 10 <= len(there) <= calendar.DAILY + calendar.WEEKLY + calendar.MONTHLY
    assert min(there) == datetime(2027, 4, 30, 12, 0, tzinfo=UTC)  # and the last day is 12 June


@pytest.mark.parametrize(
    ("last", "due"),
    [(None, True), (td(hours=1), False), (td(hours=8, minutes=29), False), (td(hours=9), True)],
)
def test_a_backup_is_due_once_a_day_from_its_moment_on(last: td | None, due: bool) -> None:
    assert calendar.is_due(last and NOON - last, time(3, 30), NOON) is due


def test_before_its_moment_yesterdays_counts() -> None:
    assert not calendar.is_due(NOON - td(hours=15), time(20, 0), NOON)
    assert calendar.is_due(NOON - td(hours=17), time(20, 0), NOON)
