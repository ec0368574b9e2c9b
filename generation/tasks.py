"""The bells. Each looks at the rows and does what they say; none carries a job to be done."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from datetime import timedelta as td
from typing import Any

from celery import shared_task
from celery.signals import task_postrun, task_prerun, worker_ready, worker_shutting_down
from celery.utils.nodenames import worker_direct
from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone
from kombu import Queue

from billing import tracing
from generation import (
    checkup,
    connections,
    errands,
    orphans,
    parting,
    queue,
    retention,
    stopping,
    worker,
)
from generation.models import Heartbeat

UNSWEPT = td(seconds=6)
LOOK_SECONDS = 0.5
PRESENT_SECONDS = 10
HEARTBEATS_KEPT = td(days=1)
PICTURES = "pictures"

logger = logging.getLogger(__name__)

_looking = threading.Lock()
_shut = queue.Shut()


@shared_task
def work() -> None:
    """Somebody rang: do the job whose turn it is."""
    worker.work(_shut)


@shared_task
def sweep() -> None:
    _beat("sweep")
    queue.sweep()
    errands.run_paid()


@shared_task
def forget_due() -> None:
    """What was kept long enough goes."""
    retention.forget_due()


@shared_task
def look_after_providers() -> None:
    """Are their models still served, and what do our accounts there hold?"""
    checkup.look_after()


@shared_task
def remove_orphans() -> None:
    orphans.remove_some(timezone.now())


@shared_task
def run_errands() -> None:
    """A payment was made: what waited for it goes on."""
    errands.run_paid()


@shared_task
def stop(code: str, ref: str) -> None:
    """A job has ended whose order is still out there."""
    stopping.stop(code, ref)


@shared_task(bind=True)
def canary(self: Any) -> None:
    """Proof that a task went through a queue to a worker that can write: what health asks.

    Which queue is read from how it came, not from what it was told. By a worker's own queue it
    shows that this worker hears.
    """
    came_by = (self.request.delivery_info or {}).get("routing_key")
    shared = [one.name for one in settings.CELERY_TASK_QUEUES]
    _beat(f"canary:{came_by}" if came_by in shared else f"hears:{self.request.hostname}")
    old = Heartbeat.objects.filter(beat_at__lt=timezone.now() - HEARTBEATS_KEPT)
    old.exclude(name="backup").delete()  # which is taken once a day: how old it is must be known


def say_present() -> None:
    """How much this process can do at once: what estimates of waiting rest on."""
    process = f"{socket.gethostname()}:{os.getpid()}"
    _beat(f"worker:{process}", slots=settings.WORKER_CONCURRENCY)
    _beat(f"outside:{process}", slots=settings.OUTSIDE_CONCURRENCY)


def _beat(name: str, slots: int = 1) -> None:
    Heartbeat.objects.update_or_create(
        name=name, defaults={"slots": slots, "beat_at": timezone.now()}
    )


@task_prerun.connect
def _begin(task: Any, **_kwargs: object) -> None:
    connections.wake()
    tracing.note(task=task.name)


@task_postrun.connect
def _rest(**_kwargs: object) -> None:
    tracing.forget("task")
    connections.rest()


@worker_ready.connect
def listen_at_the_door(sender: Any, **_kwargs: object) -> None:
    """A worker also looks for itself, and sweeps when no clock tells it to.

    So what falls due is done within half a second, and so is what another process, with its hands
    full, was rung for. After Redis was away, Celery may be connected again and yet receive nothing
    (celery#10205); jobs are rows, so such a worker still does them.
    """
    heard = set(sender.app.amqp.queues.consume_from)
    pool = sender.pool if PICTURES in heard else None
    door = (worker_direct(sender.hostname), pool)
    threading.Thread(target=_look, args=door, name="door", daemon=True).start()
    threading.Thread(target=_look_after_providers, name="models", daemon=True).start()
    for name in heard:
        queue.ring("generation.tasks.canary", queue=name)
    sweep()


@worker_shutting_down.connect
def leave(**_kwargs: object) -> None:
    """SIGTERM came. Called in the signal's handler."""
    parting.begin()


def _look_after_providers() -> None:
    """Beside the work, which waits for no vendor's list of models."""
    try:
        checkup.look_after()
    except Exception:
        logger.warning("the models could not be looked up", exc_info=True)
    finally:
        connection.close()


def _look(own: Queue, pool: Any) -> None:
    """``own`` is the queue of this worker alone, through which it sends a canary to itself: whether
    it hears, its neighbours cannot show. ``pool`` is None where pictures are others' work."""
    said_at = float("-inf")
    while not parting.has_begun():
        time.sleep(LOOK_SECONDS)
        try:
            close_old_connections()
            connections.close_rested()
            if time.monotonic() - said_at > PRESENT_SECONDS:
                said_at = time.monotonic()
                queue.ring("generation.tasks.canary", queue=own)
                if pool:
                    say_present()
            if not _is_swept():
                sweep()
            if parting.has_begun():
                break
            if pool and not _looking.locked() and queue.is_ready(_shut):
                _looking.acquire()
                pool.apply_async(_work_unrung, callback=lambda _result: None)
        except Exception:
            logger.warning("could not look", exc_info=True)
            connection.close()


def _is_swept() -> bool:
    """Whether any process did it lately: nobody needs it twice."""
    lately = timezone.now() - UNSWEPT
    return Heartbeat.objects.filter(name="sweep", beat_at__gt=lately).exists()


def _work_unrung() -> None:
    """One at a time comes from the door; but once it has begun, the next may."""
    _looking.release()
    connections.wake()
    try:
        worker.work(_shut)
    except Exception:
        logger.warning("could not work unrung", exc_info=True)
    finally:
        connections.rest()
