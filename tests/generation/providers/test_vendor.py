"""The HTTP door to a vendor: an answer that never stops coming is ended, and nobody is fooled."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from generation.providers.base import ProviderError
from generation.providers.vendor import ORDER_SECONDS, Vendor

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LONG = HEAD + b"Content-Length: 1000\r\n\r\n"
ENDLESS = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSED = HEAD + b"Connection: close\r\n\r\n"
FALLEN_SILENT = b""

Dripping = Callable[..., Vendor]


@pytest.fixture
def dripping() -> Iterator[Dripping]:
    """A vendor that sends the beginning of an answer, and then a byte every now and then."""
    over, listeners = threading.Event(), []

    def make(start: bytes, drop: bytes, **limits: float) -> Vendor:
        listeners.append(listener := socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=drip, args=(listener, start, drop), daemon=True).start()
        return Vendor(f"http://127.0.0.1:{listener.getsockname()[1]}", **limits)

    def drip(listener: socket.socket, start: bytes, drop: bytes) -> None:
        with suppress(OSError), listener.accept()[0] as line:
            line.recv(65536)
            line.sendall(start)
            while not over.wait(0.02):
                line.sendall(drop)

    yield make
    over.set()
    for listener in listeners:
        listener.close()


DRIPS = pytest.mark.parametrize(
    ("start", "drop"),
    [(HEAD, b"X"), (LONG, b" "), (ENDLESS, b"1\r\n \r\n"), (UNTIL_CLOSED, b" ")],
    ids=["headers", "body", "chunks", "until closed"],
)


@DRIPS
def test_an_order_that_drips_has_an_unknown_outcome(
    dripping: Dripping, start: bytes, drop: bytes
) -> None:
    vendor = dripping(start, drop, order_seconds=0.2)
    with pytest.raises(ProviderError) as caught:
        vendor.order("/buy", json={})
    assert (caught.value.code, caught.value.accepted) == ("outcome_unknown", None)
    assert caught.value.detail == "ReadTimeout"


@DRIPS
def test_a_question_that_drips_may_be_asked_again(
    dripping: Dripping, start: bytes, drop: bytes
) -> None:
    vendor = dripping(start, drop, ask_seconds=0.2)
    with pytest.raises(ProviderError) as caught:
        vendor.ask("GET", "/")
    assert (caught.value.code, caught.value.permanent) == ("transient", False)


def test_silence_is_ended_by_the_limit_of_the_whole_too(dripping: Dripping) -> None:
    vendor = dripping(FALLEN_SILENT, b"", ask_seconds=0.2, read_seconds=30)
    with pytest.raises(ProviderError) as caught:
        vendor.ask("GET", "/")
    assert caught.value.detail == "ReadTimeout"


def test_nobody_at_the_address_took_no_order_whatever_the_limit() -> None:
    with pytest.raises(ProviderError) as caught:
        Vendor("http://127.0.0.1:9", order_seconds=0.0001).order("/buy", json={})
    assert (caught.value.code, caught.value.accepted) == ("transient", False)


def test_an_order_may_always_take_as_long_as_a_silence() -> None:
    assert Vendor("http://x", read_seconds=600).order_seconds == 600
    assert Vendor("http://x", read_seconds=1).order_seconds == ORDER_SECONDS
