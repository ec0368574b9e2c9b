"""Keeping jobs ours while providers work: one thread of the process extends every lease in hand.

One for all, because each such thread has a connection to the database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from generation import queue
from generation.models import Job

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5

_due: dict[tuple[int, int], float] = {}
_jobs: dict[tuple[int, int], Job] = {}
_changing = threading.Lock()
_keeper: threading.Thread | None = None


@contextmanager
def kept(job: Job) -> Iterator[None]:
    """The job is ours within this block, unless somebody ends it or takes it over."""
    claim = (job.pk, job.fence)
    with _changing:
        _jobs[claim] = job
        _due[claim] = time.monotonic() + settings.JOB_HEARTBEAT_SECONDS
        _see_to_the_keeper()
    try:
        yield
    finally:
        with _changing:
            _let_go(claim)


def in_hand() -> list[Job]:
    """What this process works on now, each as it was claimed."""
    with _changing:
        return list(_jobs.values())


def _see_to_the_keeper() -> None:
    global _keeper
    if _keeper is None:
        _keeper = threading.Thread(target=_keep, name="leases", daemon=True)
        _keeper.start()


def _let_go(claim: tuple[int, int]) -> None:
    _jobs.pop(claim, None)
    _due.pop(claim, None)


def _keep() -> None:
    """Until nothing is in hand."""
    try:
        while _is_needed():
            time.sleep(LOOK_SECONDS)
            for claim, job in _whose_turn():
                _extend(claim, job)
    finally:
        connection.close()


def _is_needed() -> bool:
    global _keeper
    with _changing:
        if not _jobs:
            _keeper = None
        return bool(_jobs)


def _whose_turn() -> list[tuple[tuple[int, int], Job]]:
    with _changing:
        now = time.monotonic()
        return [(claim, job) for claim, job in _jobs.items() if _due[claim] <= now]


def _extend(claim: tuple[int, int], job: Job) -> None:
    try:
        ours = queue.extend_lease(job)
    except Exception:
        # The database may be back before the lease runs out: try again at the next look.
        logger.warning("the lease of %s could not be extended", job.code, exc_info=True)
        connection.close()
        return
    with _changing:
        if not ours:
            _let_go(claim)
        elif claim in _due:
            _due[claim] = time.monotonic() + settings.JOB_HEARTBEAT_SECONDS
