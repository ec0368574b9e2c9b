"""What ComfyUI's websocket says. It is never needed: without it the queue and history are asked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

CONNECT_SECONDS = 2.0
CLOSE_SECONDS = 0.5
FRAME_BYTES = 16 * 1024 * 1024

Event = tuple[str, dict[str, Any]]


def events(address: str, headers: Mapping[str, str], *, seconds: float) -> Iterator[Event]:
    """Type and data of each event until time is up, or until the socket fails."""
    try:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect
    except ImportError:
        return
    until = time.monotonic() + seconds
    try:
        with connect(
            address, additional_headers=headers, proxy=None, max_size=FRAME_BYTES,
            open_timeout=CONNECT_SECONDS, close_timeout=CLOSE_SECONDS,
        ) as socket:  # fmt: skip
            while (left := until - time.monotonic()) > 0:
                yield from _event(socket.recv(timeout=left))
    except (OSError, WebSocketException, ValueError):
        return


def _event(frame: str | bytes) -> Iterator[Event]:
    """Binary frames are previews of the unfinished picture, which we do not show."""
    told = json.loads(frame) if isinstance(frame, str) else None
    if isinstance(told, dict) and isinstance(told.get("data"), dict):
        yield str(told.get("type")), told["data"]
