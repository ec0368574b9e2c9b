"""Moments: how the database keeps them, and how long to wait before a gateway is asked again."""

from __future__ import annotations

from datetime import datetime
from datetime import timedelta as td
from typing import Any

from django.db import connection

FIRST_SECONDS, LONGEST_SECONDS = 10, 24 * 3600


def pause(checks: int) -> td:
    """10, 10, 20, 30, 50 … seconds, a day at most: as the gateway asks to be asked."""
    now, following = FIRST_SECONDS, FIRST_SECONDS
    for _check in range(min(checks, 30)):
        now, following = following, now + following
    return td(seconds=min(now, LONGEST_SECONDS))


def stored(moment: datetime | None) -> Any:
    """As this database keeps it, for statements that are written out: SQLite knows only text."""
    return connection.ops.adapt_datetimefield_value(moment)
