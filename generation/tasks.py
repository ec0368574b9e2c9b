"""The bells. Each looks at the rows and does what they say; none carries a job."""

from __future__ import annotations

import socket
import threading
import time
from datetime import timedelta as td

from celery import current_app, shared_task
from celery.signals import task_prerun, worker_ready
from django.conf import settings
from django.db import connection
from django.utils import timezone

from generation import queue, worker
from generation.models import Heartbeat

DEAF_SECONDS = 15
LOOK_SECONDS = 5
HEARTBEATS_KEPT = td(days=1)

_heard_at = time.monotonic()


@shared_task
def work() -> None:
    """Somebody rang: do the job whose turn it is."""
    worker.work()


@shared_task
def sweep() -> None:
    queue.sweep()


@shared_task
def canary() -> None:
    """Proof that tasks reach this worker and that it can write."""
    beat()


def beat() -> None:
    Heartbeat.objects.update_or_create(
        name=f"worker:{socket.gethostname()}",
        defaults={"slots": settings.WORKER_CONCURRENCY, "beat_at": timezone.now()},
    )
    Heartbeat.objects.filter(beat_at__lt=timezone.now() - HEARTBEATS_KEPT).delete()


@task_prerun.connect
def _hear(**_kwargs: object) -> None:
    global _heard_at
    _heard_at = time.monotonic()


@worker_ready.connect
def listen_at_the_door(**_kwargs: object) -> None:
    """A worker that hears no bell looks for itself.

    After Redis was away, Celery may be connected again and yet receive nothing (celery#10205).
    Jobs are rows, so such a worker still does them, slowly, and rings until it is heard.
    """
    beat()
    queue.ring()
    threading.Thread(target=_look, name="door", daemon=True).start()


def _look() -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        if time.monotonic() - _heard_at < DEAF_SECONDS:
            continue
        try:
            queue.sweep()
            while worker.work():
                pass
        except Exception:
            current_app.log.get_default_logger().warning("could not look", exc_info=True)
        finally:
            connection.close()
