"""Whose turn it is, and who works on what. Rows only: a lost bell or a dead worker loses nothing.

*Fair*: a job's ``turn`` is one behind its owner's last waiting job, but never before the queue's
head. So a newcomer stands behind at most one job of everybody else, however many they have.

*Safe*: a claim raises the job's ``fence`` and holds it on a lease that the worker's heartbeat
extends. A lease that runs out sends the job back; its old worker can no longer write.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from contextlib import suppress
from datetime import datetime
from datetime import timedelta as td
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q, prefetch_related_objects
from django.utils import timezone

from generation import ending, live, routing, slots
from generation.models import BUSY, OPEN, Job, State, Tool
from generation.models.jobs import TALK_SLOT
from generation.providers import OWN_MACHINE
from generation.providers.base import ProviderError

logger = logging.getLogger(__name__)

CLAIM_TRIES = 12
SHUT_SECONDS = 0.5
SWEPT_AT_ONCE = 200
TOLD_AT_ONCE = 20

_told: dict[uuid.UUID, int] = {}
"""The places in the line that this process told last."""


def turn_for(user_id: int, tool: str) -> int:
    """The turn of this person's next job. Call it while their account is locked.

    A turn of the assistant is short and one at a time, so it does not stand behind their pictures.
    """
    queued = Job.objects.filter(state=State.QUEUED)
    head = queued.order_by("turn", "pk").values_list("turn", flat=True).first()
    if tool == Tool.ASSISTANT:
        return head or 0
    own_last = queued.filter(owner=user_id).aggregate(last=Max("turn"))["last"]
    return max(head or 0, 0 if own_last is None else own_last + 1)


def ring(bell: str = "generation.tasks.work", queue: Any = None) -> None:
    """Wake a worker, by the bell's own queue or by this one. Nobody depends on it being heard."""
    try:
        current_app.send_task(bell, expires=60, queue=queue)
    except Exception:
        logger.warning("the bell could not be rung, the sweep will", exc_info=True)


class Shut:
    """What nobody had room for a moment ago: not every bell need look at it again."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}

    def note(self, job: Job) -> None:
        """No more room for any job like this one than for itself."""
        kind = ("", job.provider) if job.provider_ref else (job.tool, "")
        self._until[kind] = time.monotonic() + SHUT_SECONDS

    def forget(self, job: Job) -> None:
        """It left its place, so there is room for another like it."""
        if slots.is_here(job.provider, job.tool):
            self._until.clear()
        self._until.pop(("", job.provider), None)
        self._until.pop((job.tool, ""), None)

    def jobs(self) -> Q:
        now, jobs = time.monotonic(), Q(pk__in=())
        for (tool, provider), until in list(self._until.items()):
            if until > now:
                order = Q(tool=tool, provider_ref="")
                check = Q(provider=provider) & ~Q(provider_ref="")
                jobs |= order if tool else check
        return jobs


def is_ready(shut: Shut | None = None) -> bool:
    """Whether a job is ready that somebody may have room for."""
    return Job.objects.ready().exclude((shut or Shut()).jobs()).exists()


def claim(take: routing.Take = routing.anywhere, shut: Shut | None = None) -> Job | None:
    """The next job in turn, now ours for the length of a lease; None where nothing is ready.

    A job that nobody has room for is passed over, with all like it, and keeps its turn.
    """
    shut = shut or Shut()
    for _try in range(CLAIM_TRIES):
        # Two workers may want the last slot of one person; the constraint lets one have it.
        with suppress(IntegrityError), transaction.atomic():
            job = (
                Job.objects.ready()
                .exclude(shut.jobs())
                .select_for_update(skip_locked=True, of=("self",))
                .select_related("owner")
                .order_by("turn", "pk")
                .first()
            )
            if job is None:
                return None
            if not (provider := _whom_for(job, take)):
                shut.note(job)
            elif (slot := _slot_for(job)) is not None:
                return _take(job, slot, provider)
    return None


def _whom_for(job: Job, take: routing.Take) -> str:
    """The provider that has room for it; empty: none has."""
    if job.provider_ref:
        return job.provider if take(job.provider, job.tool) else ""
    try:
        return routing.choose(job, take).name
    except routing.Busy:
        return ""
    except ProviderError:
        return job.provider  # the worker will find the same, and end it


def _take(job: Job, slot: int, provider: str) -> Job:
    now = timezone.now()
    first_time = job.state == State.QUEUED
    job.move(
        (State.QUEUED, State.WAITING),
        state=State.RUNNING,
        slot=slot,
        provider=provider,
        lease_until=now + td(seconds=settings.JOB_LEASE_SECONDS),
        started_at=job.started_at or now,
        attempts=job.attempts + 1 if first_time else job.attempts,
        stage=job.stage or "starting",
        fence=F("fence") + 1,
    )
    job.fence += 1
    # The order and every announcement of this job read them.
    prefetch_related_objects([job], "inputs__photo")
    live.announce(job)
    return job


def _slot_for(job: Job) -> int | None:
    """A free one of its owner's slots. None: another worker took the last since we looked."""
    if job.state == State.WAITING:
        return job.slot
    if job.tool == Tool.ASSISTANT:
        return TALK_SLOT
    taken = set(
        Job.objects.filter(owner=job.owner_id, state__in=BUSY).values_list("slot", flat=True)
    )
    return next((slot for slot in range(job.slots) if slot not in taken), None)


def extend_lease(job: Job) -> bool:
    """Whether the job is still ours; if so, for another lease."""
    lease_until = timezone.now() + td(seconds=settings.JOB_LEASE_SECONDS)
    return bool(
        Job.objects.filter(pk=job.pk, fence=job.fence, state=State.RUNNING).update(
            lease_until=lease_until
        )
    )


def put_aside(job: Job, ref: str, *, check_in: float, percent: int) -> None:
    """An outside provider works on it: free the worker, look again later."""
    moved = job.move(
        (State.RUNNING,),
        state=State.WAITING,
        provider_ref=ref,
        next_check_at=timezone.now() + td(seconds=check_in),
        lease_until=None,
        percent=max(job.percent, percent),
    )
    if not moved:
        raise ending.Lost
    live.announce(job)


def send_back(job: Job) -> None:
    """Somebody else was quicker and took the room that we claimed it for: into the line again."""
    moved = job.move(
        (State.RUNNING,),
        state=State.QUEUED,
        slot=None,
        lease_until=None,
        attempts=max(job.attempts - 1, 0),
    )
    if not moved:
        raise ending.Lost
    live.announce(job)


def sweep() -> None:
    """Every few seconds: what is late, stuck or unheard is put right."""
    now = timezone.now()
    for job in _some(Job.objects.filter(state__in=OPEN, deadline_at__lt=now)):
        with suppress(ending.Lost):
            ending.expire(job)
    for job in _some(Job.objects.filter(state=State.RUNNING, lease_until__lt=now)):
        with suppress(ending.Lost):
            rescue(job, now)
    if is_ready():
        ring()
    _tell_positions()


def rescue(job: Job, now: datetime) -> None:
    """Its worker is gone. Try again, or admit it after JOB_ATTEMPTS times."""
    if not _taken_from_its_worker(job, lease_until__lt=now):
        return
    if job.attempts >= settings.JOB_ATTEMPTS and not job.provider_ref:
        ending.fail(job, ProviderError("lost", f"given up after {job.attempts} attempts"))
        return
    _back_into_line(job, now)


def hand_back(claimed: Job) -> None:
    """Its worker ends: whoever has room goes on with it at once. That was no attempt of the job's.

    ``claimed`` is left as it is: the thread that still holds it can write no more.
    """
    with transaction.atomic():
        job = Job.objects.select_related("owner").get(pk=claimed.pk)
        job.fence = claimed.fence
        if _taken_from_its_worker(job):
            _back_into_line(job, timezone.now(), attempts=max(job.attempts - 1, 0))
            transaction.on_commit(ring)


def _back_into_line(job: Job, now: datetime, **changes: object) -> None:
    if job.provider_ref:
        back = {"state": State.WAITING, "next_check_at": now}
    else:
        back = {"state": State.QUEUED, "slot": None, "percent": 0, "stage": ""}
    if job.move((State.RUNNING,), lease_until=None, **back, **changes):
        live.announce(job)


def _taken_from_its_worker(job: Job, **still: object) -> bool:
    """Whether it was that claim's until now: it may have ended or been extended since we looked."""
    held = Job.objects.filter(pk=job.pk, fence=job.fence, state=State.RUNNING, **still)
    if not held.update(fence=F("fence") + 1):
        return False
    job.fence += 1
    return True


def _some(jobs: object) -> list[Job]:
    return list(jobs.select_related("owner").order_by("pk")[:SWEPT_AT_ONCE])  # type: ignore[attr-defined]


def _tell_positions() -> None:
    """People in the queue see it move. Where it stands still, there is nothing to tell."""
    global _told
    waiting = Job.objects.filter(state=State.QUEUED).select_related("owner")
    places, lines = {}, Counter[bool]()
    for job in waiting.order_by("turn", "pk")[:TOLD_AT_ONCE]:
        line = job.provider in OWN_MACHINE
        lines[line] += 1
        places[job.code] = lines[line]
        if _told.get(job.code) != lines[line]:
            live.announce(job)
    _told = places
