"""Few connections to the database, however many threads wait: who waits for long loses its own.

Not at once, for to open the next one costs 3 ms, and most waits are short.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

KEPT_SECONDS = 5

_resting: dict[int, tuple[float, BaseDatabaseWrapper]] = {}
_changing = threading.Lock()


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
    if connection.in_atomic_block:
        return
    close_old_connections()
    with _changing:
        _resting[threading.get_ident()] = (time.monotonic(), connections["default"])


def wake() -> None:
    """This thread needs a connection again; one that has grown old is replaced."""
    with _changing:
        _resting.pop(threading.get_ident(), None)
    if not connection.in_atomic_block:
        close_old_connections()


def close_rested() -> None:
    """Close those that have rested for KEPT_SECONDS. Their threads open new ones when they wake."""
    with _changing:
        for thread, (since, resting) in list(_resting.items()):
            if time.monotonic() - since >= KEPT_SECONDS:
                del _resting[thread]
                _close(resting)


def _close(resting: BaseDatabaseWrapper) -> None:
    """Another thread's: it cannot wake meanwhile, for that takes the lock that we hold."""
    resting.inc_thread_sharing()
    try:
        resting.close()
    finally:
        resting.dec_thread_sharing()
