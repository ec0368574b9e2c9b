"""Is everybody alive, and nothing late? Whoever lives looks: workers and the bot, in turn.

A process that is dead cannot say so; what is found becomes an alert, which stays open until a later
look finds it well. Each look yields a key and what is wrong, or nothing where it is well.
"""

from __future__ import annotations

import logging
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta as td

from django.conf import settings
from django.db.models import Min, Q
from django.utils import timezone

from billing.models import Audit, Payment
from generation import alerts, breaker, retention
from generation.models import Attempt, Heartbeat
from telegram_integration import leases, outbox, owner
from telegram_integration.models import Incoming, Lane, OutgoingMessage

Found = Iterator[tuple[str, str]]

EVERY = td(seconds=20)
TURN = "watch"
SILENT = td(seconds=60)
SAID_LATE, HEARD_LATE = td(minutes=2), td(minutes=1)
OVERDUE = td(minutes=20)
UNSETTLED = td(hours=1)
LEAST_FREE, LEAST_FREE_BYTES = 0.05, 1024**3

logger = logging.getLogger(__name__)


def look() -> None:
    """Everything, if nobody has looked lately. What one look cannot see hides nothing else."""
    if not _is_our_turn():
        return
    for see in LOOKS:
        try:
            for key, wrong in list(see()):
                alerts.hold(key, wrong) if wrong else alerts.clear(key)
        except Exception:
            logger.warning("%s could not be looked at", see.__name__, exc_info=True)
    if _is_silent(name=leases.HEARTBEAT):
        owner.tell_without_the_bot()


def _is_our_turn() -> bool:
    """The row is taken by whoever finds it old: two who look at once would only do it twice."""
    now = timezone.now()
    _row, is_new = Heartbeat.objects.get_or_create(name=TURN, defaults={"beat_at": now})
    old = Heartbeat.objects.filter(name=TURN, beat_at__lte=now - EVERY)
    return is_new or bool(old.update(beat_at=now))


def processes() -> Found:
    if settings.TELEGRAM_MODE != "off":
        yield "process:bot:silent", _silence(name=leases.HEARTBEAT)
    yield "process:clock:silent", _silence(name="beat")
    yield "process:worker:silent", _silence(name__startswith="worker:")


def queues() -> Found:
    """A worker that lives and yet hears nothing is found here. A dead clock or dead workers are
    said already, and their queues say no more."""
    if _is_silent(name="beat") or _is_silent(name__startswith="worker:"):
        return
    for queue in settings.CELERY_TASK_QUEUES:
        yield f"queue:{queue.name}:silent", _silence(name=f"canary:{queue.name}")


def conversations() -> Found:
    """What is said and heard too late. Broadcasts take as long as they take."""
    if settings.TELEGRAM_MODE == "off":
        return
    now = timezone.now()
    due = OutgoingMessage.objects.filter(state__in=outbox.OPEN, due_at__lte=now)
    for lane in (Lane.RESULT, Lane.TALK, Lane.STATUS):
        since = due.filter(lane=lane).aggregate(since=Min("due_at"))["since"]
        yield f"outbox:{lane.name.lower()}:late", _late(since, SAID_LATE)
    since = Incoming.objects.filter(done_at=None).aggregate(since=Min("received_at"))["since"]
    yield "inbox:updates:late", _late(since, HEARD_LATE)


def disk() -> Found:
    """Of this machine; of another one only a process there can tell."""
    there = shutil.disk_usage(settings.DATA_DIR)
    is_full = there.free < min(LEAST_FREE * there.total, LEAST_FREE_BYTES)
    free = f"{there.free / 1024**3:.1f} of {there.total / 1024**3:.1f} GB are free"
    yield f"disk:{socket.gethostname()}:full", free if is_full else ""


def money() -> Found:
    unsettled = Payment.objects.filter(
        status=Payment.Status.CREATED, created_at__lt=timezone.now() - UNSETTLED
    )
    in_trouble = Payment.objects.filter(~Q(trouble="")).count()
    number = unsettled.count()
    yield "payments:open:unsettled", f"{number} that no gateway answered for" if number else ""
    yield "payments:booked:differ", f"{in_trouble} that differ, see each" if in_trouble else ""
    for sort in Audit.Sort.values:
        newest = Audit.objects.filter(sort=sort, ended_at__isnull=False).first()
        found = newest.findings if newest else []
        yield (
            f"books:{sort}:differ",
            f"{len(found)} findings, the first: {found[0]}" if found else "",
        )


def providers() -> Found:
    lately = Attempt.objects.filter(started_at__gt=timezone.now() - breaker.WATCHED)
    for name in lately.order_by().values_list("provider", flat=True).distinct():
        is_open = breaker.is_open(name)
        wrong = f"its last {breaker.FAULTS_IN_A_ROW} orders failed" if is_open else ""
        yield alerts.about(name, alerts.RESTING), wrong


def promises() -> Found:
    """Photos, files and words that should be gone: people were promised when."""
    for what, (number, seconds) in retention.overdue(timezone.now()).items():
        late = f"{number} should be gone, the oldest for {seconds:.0f} s"
        yield f"retention:{what}:overdue", late if seconds > OVERDUE.total_seconds() else ""


LOOKS: tuple[Callable[[], Found], ...] = (
    processes, queues, conversations, disk, money, providers, promises,
)  # fmt: skip


def _silence(**which: str) -> str:
    return "no sign of life for a minute" if _is_silent(**which) else ""


def _is_silent(**which: str) -> bool:
    return not Heartbeat.objects.filter(beat_at__gt=timezone.now() - SILENT, **which).exists()


def _late(since: object, most: td) -> str:
    waited = timezone.now() - since if since else td()
    return f"the oldest waits for {waited.total_seconds():.0f} s" if waited > most else ""
