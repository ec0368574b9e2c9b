"""What the clock does about the whole: backups."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from aibot.backups import clock


@shared_task
def back_up() -> None:
    clock.look(timezone.now())
