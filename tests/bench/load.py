"""Clients that keep their connections: requests are bytes, answers are counted."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable


async def _client(port: int, request: bytes, until: float, statuses: Counter[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        statuses[int(head[9:12])] += 1
        if b"connection: close" in head.lower():
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.index(b"content-length:") + len(b"content-length:")
    return int(lower[at : lower.index(b"\r\n", at)])


def hammer(
    port: int, request_of: Callable[[int], bytes], clients: int, seconds: float
) -> tuple[float, Counter[int]]:
    """As fast as ``clients`` can: answers a second, and the statuses."""
    statuses: Counter[int] = Counter()

    async def all_of_them() -> float:
        begun = time.perf_counter()
        until = begun + seconds
        await asyncio.gather(
            *(_client(port, request_of(n), until, statuses) for n in range(clients))
        )
        return time.perf_counter() - begun

    spent = asyncio.run(all_of_them())
    return statuses.total() / spent, statuses


def request(method: str, path: str, *, key: str = "", body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    if body:
        lines.append("Content-Type: application/json")
    if key:
        lines.append(f"Authorization: Bearer {key}")
    return "\r\n".join([*lines, "", ""]).encode() + body
