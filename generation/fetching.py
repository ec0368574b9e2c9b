"""Downloads a result from outside through a guard: an address that a vendor names is hostile.

The judge is ``addresses``; the parts that it found go into the connection themselves. The name is
looked up once, at the moment of connecting, every address is judged, and the connection goes to one
of those judged: a second look-up cannot lead elsewhere. All reading and waiting of one download
draws on one allowance.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urljoin

import httpcore2

from generation.addresses import PORTS, Refused, Target, is_listed, is_own, is_public, permitted

__all__ = ["Refused", "download", "permitted"]

CONNECT_SECONDS = 5.0
STALL_SECONDS = 20.0
MAX_ADDRESSES = 4
HEADERS = {
    "User-Agent": "AIPictureStudio/0.1 (+self-hosted)",
    "Accept": "image/png, image/jpeg, image/webp, image/*;q=0.8, */*;q=0.1",
    "Accept-Encoding": "identity",
    "Connection": "close",
}
REDIRECTS = (301, 302, 303, 307, 308)


def download(
    url: str,
    *,
    hosts: frozenset[str],
    limit: int = 40 * 1024 * 1024,
    seconds: float = 60,
    redirects: int = 0,
    tls: ssl.SSLContext | None = None,
) -> bytes:
    """The whole body behind ``url``: at most ``limit`` bytes, within ``seconds`` altogether.

    ``hosts`` holds names ("cdn.vendor.com"), suffixes (".vendor.com", without the apex) and whole
    origins ("http://127.0.0.1:8188"). Only a listed origin may speak plain HTTP, use another port
    or lie in a private network. ``tls`` serves a private certificate authority. Raises Refused.
    """
    # The wire may carry headers and chunk sizes besides the body, but not without end.
    allowance = _Allowance(time.monotonic() + seconds, 2 * limit + 128 * 1024)
    for _ in range(redirects + 1):
        target = permitted(url, hosts)
        body, onward = _get(target, is_listed(target, hosts), allowance, limit, tls)
        if not onward:
            return body
        if not is_listed(target, hosts):
            # A stranger's redirect never reaches the operator's own servers.
            hosts = frozenset(host for host in hosts if "://" not in host)
        url = _joined(url, onward)
    raise Refused("redirect")


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of ``host``. The system's resolver knows no time limit, so it is left behind
    in its thread once ``seconds`` have passed."""
    found: list[str] = []

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Refused("too_slow", "name look-up", passing=True)
    return list(found)


def _judged(target: Target, listed: bool, seconds: float) -> list[str]:
    """The addresses to connect to. One bad address condemns the name: it is a mix-up or a trick."""
    addresses = resolve(target.host, target.port, seconds)
    if not addresses:
        raise Refused("network", f"no address for {target.host}", passing=True)
    for address in addresses:
        if not (is_own(address, target) if listed else is_public(address)):
            raise Refused("address", f"{target.host} is {address}")
    return addresses[:MAX_ADDRESSES]


@dataclass
class _Allowance:
    """What one download may still take, in whatever way the server spends it."""

    until: float
    octets: int

    def seconds(self, most: float) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise Refused("too_slow", passing=True)
        return min(left, most)

    def spend(self, octets: int) -> None:
        self.octets -= octets
        if self.octets < 0:
            raise Refused("too_large")


class _Pinned(httpcore2.NetworkBackend):
    """Connects to a judged address of its one target. TLS still asks for the target's name."""

    def __init__(self, target: Target, listed: bool, allowance: _Allowance) -> None:
        self.target = target
        self.listed = listed
        self.allowance = allowance

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore2.NetworkStream:
        failure: Exception = Refused("network", passing=True)
        left = self.allowance.seconds(CONNECT_SECONDS)
        for address in _judged(self.target, self.listed, left):
            left = self.allowance.seconds(CONNECT_SECONDS)
            try:
                stream = httpcore2.SyncBackend().connect_tcp(address, self.target.port, left)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _Metered(stream, self.allowance)
        raise failure


class _Metered(httpcore2.NetworkStream):
    """A stream that draws on the allowance: dripping headers cost time and bytes like the body."""

    def __init__(self, stream: httpcore2.NetworkStream, allowance: _Allowance) -> None:
        self.stream = stream
        self.allowance = allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self.stream.read(max_bytes, self.allowance.seconds(STALL_SECONDS))
        self.allowance.spend(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, self.allowance.seconds(STALL_SECONDS))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = self.allowance.seconds(STALL_SECONDS)
        return _Metered(self.stream.start_tls(ssl_context, server_hostname, left), self.allowance)

    def close(self) -> None:
        self.stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def _get(
    target: Target, listed: bool, allowance: _Allowance, limit: int, tls: ssl.SSLContext | None
) -> tuple[bytes, str]:
    """The body, or where it has moved to."""
    backend = _Pinned(target, listed, allowance)
    url = httpcore2.URL(
        scheme=target.scheme, host=target.host, port=target.port, target=target.path
    )
    try:
        with (
            httpcore2.ConnectionPool(tls or _authorities(), network_backend=backend) as pool,
            pool.stream("GET", url, headers=HEADERS | _host_header(target)) as answer,
        ):
            if answer.status in REDIRECTS:
                return b"", _header(answer, b"location") or "/"
            return _body(answer, limit), ""
    except httpcore2.TimeoutException as error:
        raise Refused("too_slow", type(error).__name__, passing=True) from None
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise Refused("network", type(error).__name__, passing=True) from None


def _joined(url: str, onward: str) -> str:
    try:
        return urljoin(url, onward)
    except ValueError:
        raise Refused("malformed", "redirect") from None


def _host_header(target: Target) -> dict[str, str]:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return {"Host": host if target.port == PORTS[target.scheme] else f"{host}:{target.port}"}


@cache
def _authorities() -> ssl.SSLContext:
    """The system's certificate authorities; reading them takes a while."""
    return httpcore2.default_ssl_context()


def _header(answer: httpcore2.Response, name: bytes) -> str:
    """A header's only value; two that differ are none of our business to choose from."""
    values = {value.strip() for key, value in answer.headers if key.lower() == name}
    if len(values) > 1:
        raise Refused("malformed", f"several {name.decode()} headers")
    return values.pop().decode("latin-1") if values else ""


def _body(answer: httpcore2.Response, limit: int) -> bytes:
    if answer.status != 200:
        passing = answer.status in (408, 425, 429) or answer.status >= 500
        raise Refused("status", str(answer.status), passing=passing)
    length = _header(answer, b"content-length")
    if length.isdigit() and int(length) > limit:
        raise Refused("too_large", length)
    body = bytearray()
    for part in _plain(answer, limit):
        body += part
        if len(body) > limit:
            raise Refused("too_large")
    if not body:
        raise Refused("empty")
    return bytes(body)


def _plain(answer: httpcore2.Response, limit: int) -> Iterator[bytes]:
    """The body without its encoding. We ask for none; gzip is what some send all the same."""
    encoding = _header(answer, b"content-encoding").lower()
    if encoding in ("", "identity"):
        yield from answer.iter_stream()
    elif encoding in ("gzip", "x-gzip"):
        yield from _inflated(answer.iter_stream(), limit)
    else:
        raise Refused("encoding", encoding[:40])


def _inflated(parts: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Never more than one byte past the limit at a time: what remains then is not unpacked."""
    inflate = zlib.decompressobj(wbits=31)
    try:
        for part in parts:
            yield inflate.decompress(part, limit + 1)
    except zlib.error as error:
        raise Refused("encoding", "broken gzip") from error
    if not inflate.eof:
        raise Refused("encoding", "unfinished gzip")
