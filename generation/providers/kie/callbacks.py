"""What kie posts when a task has ended: which task it names, and whether kie sent it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from generation.providers.foreign import as_dict

WINDOW_SECONDS = 300


def task_ids(body: Any) -> list[str]:
    """The ids in a callback: kie's pages show three places for them."""
    body = as_dict(body)
    data = as_dict(body.get("data"))
    found = (data.get("taskId"), data.get("task_id"), body.get("taskId"))
    return list(dict.fromkeys(value for value in found if isinstance(value, str) and value))


def verify_callback(body: Any, headers: Mapping[str, str], secret: str, now: float) -> list[str]:
    """The task ids in a callback that ``secret`` has signed at most five minutes ago, or none.

    The signature covers the id and the time, not the result: wake up and ask, believe nothing else.
    """
    given = {name.lower(): value for name, value in headers.items()}
    stamp = given.get("x-webhook-timestamp", "")
    if not secret or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return []
    if abs(now - int(stamp)) > WINDOW_SECONDS:
        return []
    signature = given.get("x-webhook-signature", "").encode()
    return [
        task
        for task in task_ids(body)
        if hmac.compare_digest(_signature(task, stamp, secret), signature)
    ]


def _signature(task: str, stamp: str, secret: str) -> bytes:
    digest = hmac.digest(secret.encode(), f"{task}.{stamp}".encode(), hashlib.sha256)
    return base64.b64encode(digest)
