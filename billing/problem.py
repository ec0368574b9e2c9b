"""An error that a person may read: a stable code, a status, and a sentence in their language."""

from __future__ import annotations

from typing import Any


class Problem(Exception):
    """Raised by the rules, translated by the doors. ``message`` is a (lazy) translated sentence.

    ``data`` holds extra facts for the client; nothing in it comes from outside unchecked.
    """

    status = 400

    def __init__(
        self, code: str, message: Any, *, status: int | None = None, **data: object
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.data = data
        if status is not None:
            self.status = status
