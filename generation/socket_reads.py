"""Reads for sockets: in a few threads side by side, each with a connection that it keeps.

Channels has one thread for all of them. When a release has gone and two hundred pages come back at
once, each would wait for every other's round trips to the database.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from channels.db import DatabaseSyncToAsync

THREADS = 4

in_a_thread: Callable[..., Any] = partial(
    DatabaseSyncToAsync, thread_sensitive=False, executor=ThreadPoolExecutor(THREADS, "socket-read")
)
"""Makes a function that reads the database one that can be awaited."""
