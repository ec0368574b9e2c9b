"""The clock's part: begin what is due, and say so when it is late."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from datetime import timedelta as td

from django.conf import settings

from aibot.backups import calendar, manifest
from aibot.backups.taking import LATE, LOCK
from generation import alerts

REST = td(hours=1)
"""After one that failed."""


def look(now: datetime) -> None:
    """Nobody waits for a backup: a process of its own takes it, and its rows say how it went."""
    if not settings.BACKUP_KEY:
        return
    there = manifest.complete()
    last = manifest.moment(there[-1]) if there else None
    if there and calendar.is_late(last, now):
        alerts.hold(LATE, f"The last backup is of {last:%Y-%m-%d %H:%M} UTC.")
    if calendar.is_due(last, settings.BACKUP_AT, now) and not _was_tried(now):
        begin()


def begin() -> None:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "backup"]
    subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)


def _was_tried(now: datetime) -> bool:
    """Lately: another process may still be at it."""
    lock = settings.DATA_DIR / LOCK
    return lock.exists() and now.timestamp() - lock.stat().st_mtime < REST.total_seconds()
