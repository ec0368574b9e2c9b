"""Telling the pages: every change of a job goes to whoever watches it, after the commit."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from contextlib import suppress

from channels.layers import get_channel_layer
from django.db import transaction
from django.utils import translation

from generation.models import Job
from generation.serializers import job_json

logger = logging.getLogger(__name__)

SEND_SECONDS = 2

_loop: asyncio.AbstractEventLoop | None = None
_starting = threading.Lock()


def job_group(code: object) -> str:
    return f"job.{code}"


def person_group(user_id: int) -> str:
    return f"person.{user_id}"


def sessions_group(user_id: int) -> str:
    return f"sessions.{user_id}"


def end_session(user_id: int) -> None:
    """Somebody signed out or a key was revoked: sockets that lived by it close."""
    transaction.on_commit(lambda: _send(sessions_group(user_id), {"type": "session.ended"}))


def announce(job: Job) -> None:
    """Push the job's JSON to its watchers once this transaction stands.

    A lost message costs nothing but time: pages ask again by themselves.
    """
    transaction.on_commit(lambda: _push(job))


def _push(job: Job) -> None:
    with translation.override(job.owner.language):
        message = {"type": "job.changed", "job": job_json(job)}
    _send(job_group(job.code), message)
    _send(person_group(job.owner_id), message)


def _send(group: str, message: dict[str, object]) -> None:
    """Hand it to the loop and go on: a slow Redis holds up sockets, never work or requests."""
    asyncio.run_coroutine_threadsafe(_tell(group, message), _sending_loop())


async def _tell(group: str, message: dict[str, object]) -> None:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await get_channel_layer().group_send(group, message)
    except Exception:
        logger.warning("could not tell %s", group, exc_info=True)


def _sending_loop() -> asyncio.AbstractEventLoop:
    """One for the process, in a thread of its own. A loop for each message (as `async_to_sync`
    makes in a plain thread) means a connection to Redis for each: 3 ms against 0.1 ms here."""
    global _loop
    with _starting:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="live", daemon=True).start()
            atexit.register(finish)
    return _loop


def finish() -> None:
    """What was said last is still sent when the process ends."""
    loop = _loop

    async def wait() -> None:
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=SEND_SECONDS)

    if loop is not None:
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(wait(), loop).result(SEND_SECONDS)


def _start_over_after_fork() -> None:
    """The thread stays behind in the parent."""
    global _loop, _starting
    _loop, _starting = None, threading.Lock()


os.register_at_fork(after_in_child=_start_over_after_fork)
