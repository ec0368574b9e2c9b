"""How we speak HTTP to somebody else: under which name, trusting whom, and for how long at most."""

from __future__ import annotations

import functools
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import NoneType
from typing import Any, Self

import httpx2

USER_AGENT = "AIPictureStudio/0.1 (+self-hosted)"
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
"""Errors after which the other side has provably heard nothing."""


class Limit:
    """Ends a request that is alive and yet takes too long: a timeout counts from byte to byte only.

    It hears of the request's connection by ``see`` and shuts it down, which ends every wait on it.
    """

    def __init__(self, seconds: float) -> None:
        self.stream: Any = None
        self.over = threading.Event()
        self.timer = threading.Timer(seconds, self._end)
        self.timer.daemon = True

    def see(self, event: str, info: Mapping[str, Any]) -> None:
        """A trace of httpcore's: the connection is made, or made anew inside TLS."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self.stream = info["return_value"]
            if self.over.is_set():
                self._end()

    def _end(self) -> None:
        self.over.set()
        if self.stream is not None:
            with suppress(OSError):
                # The plain socket's: TLS has a lock of its own, which the reader may hold.
                socket.socket.shutdown(self.stream.get_extra_info("socket"), socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self.timer.start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """An answer that was cut off here is not whole, even where it looks so."""
        self.timer.cancel()
        not_sent = isinstance(error, NOT_SENT)
        if self.over.is_set() and not not_sent and isinstance(error, (httpx2.HTTPError, NoneType)):
            raise httpx2.ReadTimeout("the whole took too long") from None


@functools.cache
def trusted() -> ssl.SSLContext:
    """One for the process: to read all certificates anew takes 30 ms."""
    return httpx2.create_ssl_context()
