"""The bells. Each looks at the rows and does what they say; none carries a job."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from datetime import timedelta as td

from celery import shared_task
from celery.signals import task_postrun, task_prerun, worker_ready
from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from generation import queue, worker
from generation.models import Heartbeat

DEAF_SECONDS = 15
UNSWEPT_SECONDS = 6
LOOK_SECONDS = 1
PRESENT_SECONDS = 10
HEARTBEATS_KEPT = td(days=1)

logger = logging.getLogger(__name__)

_heard_at = _swept_at = time.monotonic()
_in_hand: set[str] = set()


@shared_task
def work() -> None:
    """Somebody rang: do the job whose turn it is."""
    worker.work()


@shared_task
def sweep() -> None:
    global _swept_at
    _swept_at = time.monotonic()
    queue.sweep()


@shared_task
def canary() -> None:
    """Proof that a task went through the queue to a worker that can write: what health asks."""
    _beat("canary")
    Heartbeat.objects.filter(beat_at__lt=timezone.now() - HEARTBEATS_KEPT).delete()


def say_present() -> None:
    """How much this process can do at once: what estimates of waiting rest on."""
    _beat(f"worker:{socket.gethostname()}:{os.getpid()}")


def _beat(name: str) -> None:
    Heartbeat.objects.update_or_create(
        name=name, defaults={"slots": settings.WORKER_CONCURRENCY, "beat_at": timezone.now()}
    )


@task_prerun.connect
def _hear(task_id: str, **_kwargs: object) -> None:
    global _heard_at
    _heard_at = time.monotonic()
    _in_hand.add(task_id)
    close_old_connections()


@task_postrun.connect
def _put_down(task_id: str, **_kwargs: object) -> None:
    global _heard_at
    _heard_at = time.monotonic()
    _in_hand.discard(task_id)
    close_old_connections()


@worker_ready.connect
def listen_at_the_door(**_kwargs: object) -> None:
    """A worker that hears no bell looks for itself, and sweeps when no clock tells it to.

    After Redis was away, Celery may be connected again and yet receive nothing (celery#10205).
    Jobs are rows, so such a worker still does them, one at a time, until it hears again.
    """
    threading.Thread(target=_look, name="door", daemon=True).start()
    queue.ring("generation.tasks.canary")
    sweep()


def _look() -> None:
    said_at = float("-inf")
    while True:
        time.sleep(LOOK_SECONDS)
        try:
            if time.monotonic() - said_at > PRESENT_SECONDS:
                said_at = time.monotonic()
                say_present()
            if time.monotonic() - _swept_at > UNSWEPT_SECONDS:
                sweep()
            while _is_deaf() and worker.work():
                pass
        except Exception:
            logger.warning("could not look", exc_info=True)
        finally:
            connection.close()


def _is_deaf() -> bool:
    """Nothing was heard for long. With work in hand we cannot tell: our ears may be full."""
    return not _in_hand and time.monotonic() - _heard_at > DEAF_SECONDS
