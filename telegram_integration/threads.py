"""Database work beside the loop that talks to Telegram: few threads, a connection each."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import Error, close_old_connections, connections

THREADS = 8

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="bot")


async def in_thread(act: Callable[..., Any], *arguments: Any) -> Any:
    """Run it there and wait. A connection that has grown old or broken is replaced.

    What is bound for the log comes along, which the loop does not see to by itself.
    """
    run = contextvars.copy_context().run
    return await asyncio.get_running_loop().run_in_executor(_pool, run, _act, act, arguments)


def _act(act: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    close_old_connections()
    try:
        return act(*arguments)
    except Error:
        connections.close_all()
        raise
