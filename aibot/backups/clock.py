"""The clock's part: begin what is due, and say so when it is late."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from datetime import timedelta as td

from django.conf import settings

from aibot.backups import calendar, manifest
from aibot.backups.taking import LATE
from generation import alerts
from generation.models import Heartbeat

REST = td(hours=3)
"""After one was begun: it may take long, or have failed."""
BEGUN = "backup:begun"


def look(now: datetime) -> None:
    """Nobody waits for a backup: a process of its own takes it, and its rows say how it went."""
    if not settings.BACKUP_KEY:
        return
    there = manifest.complete()
    last = manifest.moment(there[-1]) if there else None
    if there and calendar.is_late(last, now):
        alerts.hold(LATE, f"The last backup is of {last:%Y-%m-%d %H:%M} UTC.")
    if calendar.is_due(last, settings.BACKUP_AT, now) and _is_our_turn(now):
        begin()


def begin() -> None:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "backup"]
    subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)


def _is_our_turn(now: datetime) -> bool:
    """Whoever takes the row begins it, on whatever machine: a lock is known to its own alone."""
    _row, is_new = Heartbeat.objects.get_or_create(name=BEGUN, defaults={"beat_at": now})
    old = Heartbeat.objects.filter(name=BEGUN, beat_at__lte=now - REST)
    return is_new or bool(old.update(beat_at=now))
