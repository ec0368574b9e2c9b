"""How a worker leaves: what is short is finished, what is not is handed back for somebody else.

Celery's own warm shutdown waits for its threads without end, and a thread may wait for a vendor for
minutes. Whoever stops us would kill us first, and then each job's lease would have to run out.
"""

from __future__ import annotations

import logging
import os
import threading
import time

from django.conf import settings

from generation import leases, live, queue

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
LAST_SECONDS = 2

_begun = False
"""No event with a lock of its own: it is set in a signal's handler."""


def has_begun() -> bool:
    """Whether nothing may be claimed any more."""
    return _begun


def begin() -> None:
    """Claim nothing; be gone soon after WORKER_DRAIN_SECONDS, whatever a thread still waits for."""
    global _begun
    if not _begun:
        _begun = True
        threading.Thread(target=_leave, name="parting", daemon=True).start()


def _leave() -> None:
    """A process that has nothing left to do ends by itself meanwhile, and this thread with it."""
    end = time.monotonic() + settings.WORKER_DRAIN_SECONDS
    finish_or_hand_back(settings.WORKER_DRAIN_SECONDS)
    time.sleep(max(0.0, end - time.monotonic()) + LAST_SECONDS)
    os._exit(0)


def finish_or_hand_back(seconds: float) -> None:
    """What is in hand has so long to end."""
    end = time.monotonic() + seconds
    while leases.in_hand() and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
    for job in leases.in_hand():
        try:
            queue.hand_back(job)
        except Exception:
            logger.warning("job %s goes back when its lease ends", job.code, exc_info=True)
    live.finish()
