"""Reading a vendor's JSON: what is not as promised is empty, never a crash."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_dicts(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def as_number(value: Any) -> Decimal | None:
    """A number that is one, not below zero."""
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number.is_finite() and number >= 0 else None


def looks_like_a_picture(data: bytes) -> bool:
    """By its first bytes, JPEG, PNG or WebP. The studio decodes it in its sandbox later."""
    webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return webp or data.startswith(PICTURES)
