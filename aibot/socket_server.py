"""Daphne that ends politely: `python -m aibot.socket_server aibot.asgi:application`.

It takes Daphne's own options. At SIGTERM Daphne would cancel everything and drop the sockets
without a word. This one says for DRAIN_SECONDS that it is not ready, then closes every socket with
1012 ("service restart"), after which a page goes on elsewhere at once (`live.js`), and finishes
the requests in hand.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from daphne.cli import CommandLineInterface
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet.defer import Deferred

from aibot import draining

SERVICE_RESTART = 1012
PAUSE_SECONDS = 0.1
SPREAD_SECONDS = 20
CLOSE_SECONDS = 5
FINISH_SECONDS = 20


class PoliteServer(Server):
    """`drain_seconds` is 0 where no balancer stands before it."""

    drain_seconds: float | None = None

    def kill_all_applications(self) -> Deferred:
        """Daphne calls it when a signal came. Twisted serves until what it returns has come."""
        return Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """What is said to a socket that is closed already is said to nobody."""
        if getattr(protocol, "state", None) != WebSocketProtocol.STATE_CLOSING:
            await super().handle_reply(protocol, message)

    async def _end(self) -> None:
        draining.begin()
        wait = settings.DRAIN_SECONDS if self.drain_seconds is None else self.drain_seconds
        await asyncio.sleep(wait)
        for listener in self.listeners:
            listener.addCallback(lambda port: port.stopListening())
        await self._close_sockets()
        await self._until_ended(CLOSE_SECONDS, lambda one: isinstance(one, WebSocketProtocol))
        await self._until_ended(FINISH_SECONDS, lambda one: not isinstance(one, WebSocketProtocol))
        await self._cancel()

    async def _close_sockets(self) -> None:
        """One after the other, so that whoever they go to is not met by all in the same moment."""
        still_open = [one for one in self.connections if isinstance(one, WebSocketProtocol)]
        pause = min(PAUSE_SECONDS, SPREAD_SECONDS / max(len(still_open), 1))
        for protocol in still_open:
            if protocol.state == WebSocketProtocol.STATE_OPEN:
                # Autobahn keeps codes below 3000 from applications; for a server this one is meant.
                protocol.sendCloseFrame(code=SERVICE_RESTART, isReply=False)
                await asyncio.sleep(pause)

    async def _until_ended(self, seconds: float, is_meant: Callable[[Any], bool]) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and any(
            is_meant(protocol) and "disconnected" not in details and not _is_done(details)
            for protocol, details in self.connections.items()
        ):
            await asyncio.sleep(0.05)

    async def _cancel(self) -> None:
        works = [details.get("application_instance") for details in self.connections.values()]
        left = [work for work in works if work and work.cancel()]
        await asyncio.gather(*left, return_exceptions=True)


def _is_done(details: dict[str, Any]) -> bool:
    work = details.get("application_instance")
    return work is None or work.done()


class SocketDoor(CommandLineInterface):
    """Daphne's own command with the server above."""

    server_class = PoliteServer


if __name__ == "__main__":
    SocketDoor.entrypoint()
