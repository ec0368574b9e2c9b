"""Telegram's proof of who opened the Mini App. Pure: no Django, no clock of its own.

Formats: core.telegram.org/bots/webapps, "Validating data received via the Mini App" and
"... for Third-Party Use".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta as td
from typing import Any
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_AGE = td(hours=24)
MAX_SKEW = td(seconds=60)
MAX_LENGTH = 8192


class Invalid(Exception):
    """Why the string proves nothing: ``malformed``, ``forged`` or ``stale``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Person:
    """Whom Telegram vouches for."""

    id: int
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language_code: str = ""
    start_param: str = ""


def verify(raw: str, token: str, now: datetime) -> Person:
    """The person behind init data signed for the bot with this token. Raises Invalid."""
    pairs = _pairs(raw)
    given = pairs.pop("hash", "")
    secret = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    expected = hmac.new(secret, _lines(pairs).encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise Invalid("forged")
    return _person(pairs, now)


def verify_signature(raw: str, bot_id: int, public_key: str, now: datetime) -> Person:
    """The same without the bot's token: Telegram's own Ed25519 signature over the bot's id."""
    pairs = _pairs(raw)
    pairs.pop("hash", "")
    signature = pairs.pop("signature", "")
    message = f"{bot_id}:WebAppData\n{_lines(pairs)}".encode()
    try:
        padded = signature + "=" * (-len(signature) % 4)
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(base64.urlsafe_b64decode(padded), message)
    except (InvalidSignature, binascii.Error, ValueError):
        raise Invalid("forged") from None
    return _person(pairs, now)


def digest(raw: str) -> str:
    """What is kept of a used string. Of its signed content, so that reordering changes nothing."""
    pairs = _pairs(raw)
    pairs.pop("hash", "")
    pairs.pop("signature", "")
    return hashlib.sha256(_lines(pairs).encode()).hexdigest()


def _pairs(raw: str) -> dict[str, str]:
    if len(raw) > MAX_LENGTH:
        raise Invalid("malformed")
    try:
        items = parse_qsl(raw, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise Invalid("malformed") from None
    pairs = dict(items)
    if len(pairs) != len(items):
        raise Invalid("malformed")
    return pairs


def _lines(pairs: dict[str, str]) -> str:
    return "\n".join(f"{name}={value}" for name, value in sorted(pairs.items()))


def _person(pairs: dict[str, str], now: datetime) -> Person:
    try:
        signed_at = datetime.fromtimestamp(int(pairs["auth_date"]), tz=now.tzinfo)
        user = json.loads(pairs["user"])
        telegram_id = user["id"]
    except (KeyError, ValueError, TypeError, OverflowError, OSError, RecursionError):
        raise Invalid("malformed") from None
    if not isinstance(telegram_id, int) or isinstance(telegram_id, bool):
        raise Invalid("malformed")
    if not -MAX_SKEW <= now - signed_at <= MAX_AGE:
        raise Invalid("stale")
    names = ("first_name", "last_name", "username", "language_code")
    return Person(
        telegram_id,
        **{name: _text(user, name) for name in names},
        start_param=pairs.get("start_param", "")[:512],
    )


def _text(user: dict[str, Any], name: str) -> str:
    value = user.get(name)
    return value[:64] if isinstance(value, str) else ""
