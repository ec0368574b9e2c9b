"""The whole studio in one process: Daphne in the main thread, a worker and the clock as threads.

The order matters: worker and clock start before the server, because Daphne tells nobody when it is
ready, and stop after it, so that a job in hand is finished, or handed back where it takes long.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.beat import EmbeddedService
from celery.signals import worker_ready
from django.conf import settings

from aibot.celery import app
from aibot.socket_server import PoliteServer
from generation import parting

logger = logging.getLogger(__name__)


def run(host: str, port: int) -> None:
    """Serve until a signal ends it."""
    worker = start_worker(app)
    # EmbeddedService does not look at `beat_scheduler` by itself.
    clock = EmbeddedService(app, thread=True, scheduler_cls=app.conf.beat_scheduler)
    clock.start()
    end_bot = start_bot()
    try:
        _server(host, port).run()
    finally:
        end_bot()
        clock.stop()
        parting.begin()
        worker.stop()


def start_worker(celery: Celery) -> Any:
    """A worker as threads of this process. `app.Worker` would take over the signals."""
    celery.set_default()
    celery.finalize()
    ready = threading.Event()
    worker = celery.WorkController(
        pool="threads",
        concurrency=settings.CELERY_WORKER_CONCURRENCY,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        ready_callback=lambda consumer: (worker_ready.send(sender=consumer), ready.set()),
    )
    threading.Thread(target=worker.start, name="worker", daemon=True).start()
    ready.wait(timeout=10)
    return worker


def start_bot() -> Callable[[], None]:
    """The bot in a thread of its own, where there is one to run. Returns what ends it."""
    if settings.TELEGRAM_MODE == "off":
        return lambda: None
    from telegram_integration import process

    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    def serve() -> None:
        try:
            loop.run_until_complete(process.run(stop))
        except Exception as error:
            logger.error("the bot does not run: %s", type(error).__name__)

    def end() -> None:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=20)

    thread = threading.Thread(target=serve, name="bot", daemon=True)
    thread.start()
    return end


def _server(host: str, port: int) -> PoliteServer:
    from aibot.asgi import application

    endpoint = f"tcp:port={port}:interface={host.replace(':', chr(92) + ':')}"
    server = PoliteServer(application, endpoints=[endpoint], server_name="studio", ping_interval=20)
    server.drain_seconds = 0
    return server
