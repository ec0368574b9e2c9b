"""Few connections to the database, however many threads wait: most close theirs meanwhile.

To open the next one costs 3 ms, so a few may keep theirs: as many as a quiet process has threads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections, connection

MOST_KEPT = 8

_room = threading.BoundedSemaphore(MOST_KEPT)
_mine = threading.local()


@contextmanager
def at_rest() -> Iterator[None]:
    """Around what takes long and does not need the database."""
    rest()
    try:
        yield
    finally:
        wake()


def rest() -> None:
    """This thread will not need its connection for a while."""
    if _is_kept() or connection.in_atomic_block:
        return
    _mine.kept = _room.acquire(blocking=False)
    if _mine.kept:
        close_old_connections()
    else:
        connection.close()


def wake() -> None:
    """This thread needs one again; one that has grown old is replaced."""
    if _is_kept():
        _mine.kept = False
        _room.release()
    if not connection.in_atomic_block:
        close_old_connections()


def _is_kept() -> bool:
    return getattr(_mine, "kept", False)
