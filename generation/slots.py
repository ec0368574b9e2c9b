"""How much this process takes on: a little by its own hands, and much that it only waits for.

A job at one of ``OWN_MACHINE`` is worked on right here, WORKER_CONCURRENCY at once. Any other holds
a thread that waits for somebody outside, OUTSIDE_CONCURRENCY of them; one provider has at most half
of these, so that one that hangs delays nobody else's jobs.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Self

from django.conf import settings

from generation.models import Tool
from generation.providers import OWN_MACHINE

HERE = ""

_taken: Counter[str] = Counter()
_counting = threading.Lock()


def is_here(provider: str, tool: str) -> bool:
    """Whether it is work for this machine. A turn of the assistant is none worth counting."""
    return provider in OWN_MACHINE and tool != Tool.ASSISTANT


def share() -> int:
    """How many threads of this process may wait for one provider."""
    return max(1, settings.OUTSIDE_CONCURRENCY // 2)


class Place:
    """Room for one job, given back at the end of the block."""

    def __init__(self) -> None:
        self.room: str | None = None

    def take(self, provider: str, tool: str) -> bool:
        """Whether there is room at this provider; what was taken before is given back."""
        self.give_back()
        room = HERE if is_here(provider, tool) else provider
        with _counting:
            if not _is_free(room):
                return False
            _taken[room] += 1
        self.room = room
        return True

    def give_back(self) -> None:
        with _counting:
            if self.room is not None:
                _taken[self.room] -= 1
        self.room = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.give_back()


def _is_free(room: str) -> bool:
    if room == HERE:
        return _taken[HERE] < settings.WORKER_CONCURRENCY
    outside = _taken.total() - _taken[HERE]
    return outside < settings.OUTSIDE_CONCURRENCY and _taken[room] < share()
