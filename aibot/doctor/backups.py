"""Whether there is a way back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta as td

from django.conf import settings
from django.utils import timezone

from aibot.doctor.base import Finding, in_production
from generation.models import Heartbeat

OLDEST = td(hours=26)


def taken() -> Iterator[Finding]:
    if not in_production():
        return
    if not settings.BACKUP_KEY:
        yield Finding(
            "BACKUP_KEY is empty.",
            "No backup is taken: with the disk, people's credits and pictures would be gone.",
            "Set it as .env.example says; its secret half is kept elsewhere.",
        )
        return
    last = Heartbeat.objects.filter(name="backup").first()
    age = timezone.now() - last.beat_at if last else None
    if age is None or age > OLDEST:
        hours = f"The last backup is {age.total_seconds() / 3600:.0f} hours old." if age else ""
        yield Finding(
            hours or "No backup was ever taken.",
            "What was earned and made since would be lost.",
            "manage.py backup, and read what it says; then see that the clock runs.",
        )
