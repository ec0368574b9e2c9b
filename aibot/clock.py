"""The clock: Celery's beat with the schedule in the database, and a heartbeat of its own."""

from __future__ import annotations

import logging
import socket
import time
from typing import Any

from django.db import close_old_connections
from django.utils import timezone
from django_celery_beat.schedulers import DatabaseScheduler

BEAT_SECONDS = 5

logger = logging.getLogger(__name__)


class Clock(DatabaseScheduler):
    """Writes down that it ticks, which is what health asks."""

    beaten_at = float("-inf")

    def tick(self, *args: Any, **kwargs: Any) -> float:
        wait = super().tick(*args, **kwargs)
        if time.monotonic() - self.beaten_at >= BEAT_SECONDS:
            close_old_connections()
            self.beat()
        return wait

    def beat(self) -> None:
        """A database that is away for a while must not end the clock."""
        from generation.models import Heartbeat

        try:
            # That a clock ticks, and that this one does: a neighbour's says nothing of it.
            for name in ("beat", f"beat:{socket.gethostname()}"):
                Heartbeat.objects.update_or_create(name=name, defaults={"beat_at": timezone.now()})
            self.beaten_at = time.monotonic()
        except Exception as error:
            logger.warning("the clock's heartbeat was not written: %s", type(error).__name__)
