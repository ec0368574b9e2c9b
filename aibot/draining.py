"""Whether this process is about to end: then it says that it is not ready, and still serves.

So a balancer has time to send people elsewhere before anything is closed.
"""

from __future__ import annotations

import mmap

_begun = mmap.mmap(-1, 1)
"""Shared memory: gunicorn's master, which hears of the end, and its workers see the same byte."""


def begin() -> None:
    _begun[0] = 1


def has_begun() -> bool:
    return bool(_begun[0])
