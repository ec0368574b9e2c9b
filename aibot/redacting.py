"""What must not leave this process in words: secrets, and what says who somebody is.

Known secrets are found by their values, whatever surrounds them; the rest by its shape. It is the
last step before a line is written or sent, so it also sees what a library or an exception says.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings

GONE = "[…]"
LONGEST = 8_000
SHORTEST_SECRET = 8
"""A shorter one would be found in ordinary words, and `doctor` finds fault with it."""
SECRET_NAME = re.compile(r"(TOKEN|SECRET|PASSWORD|PASSPHRASE|_KEY|_DSN|_URL)S?(_\w+)?$")
NOT_SECRET = frozenset({"BORROWED_KEYS", "TELEGRAM_PUBLIC_KEY", "PASSWORD_HASHERS"})

# Each shape with what stays of it.
SHAPES = tuple((re.compile(pattern), kept) for pattern, kept in (
    # PostgreSQL repeats a refused row here, with everything that somebody wrote.
    (r"DETAIL:.*", f"DETAIL: {GONE}"),
    # What Telegram told, and who somebody is, as Python shows such objects.
    (r"\b(Update|Message|CallbackQuery|PreCheckoutQuery|InlineQuery|Chat|User)\(\w+=.*",
     rf"\1({GONE}"),
    (r"<User: [^>]*>", f"<User: {GONE}>"),
    (r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-csrftoken|x-telegram-bot-api-secret-token)"
     r"(['\"]?\s*[:=,]\s*['\"]?)[^'\"\r\n]+", rf"\1\2{GONE}"),
    (r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}", rf"\1 {GONE}"),
    # Telegram's init data, as it comes in an address or a body.
    (r"(?i)\b(tgWebAppData|init_?data)(['\"]?\s*[:=]\s*['\"]?)[^\s'\"]+", rf"\1\2{GONE}"),
    (r"(?i)\b(?:query_id|user|auth_date|chat_instance|hash|signature)=[^\s'\"]*"
     r"(?:auth_date|hash)=[^\s'\"]+", GONE),
    (r"(?<!\d)\d{6,}(?::|%3A)[\w-]{30,}", GONE),  # a bot's token
    (r"(/telegram/)[0-9a-f]{16,}", rf"\1{GONE}"),
    (r"\bstudio_[\w-]{20,}", GONE),
    (r"\b(?:sk|pk|rk|live|test)[-_][\w-]{16,}", GONE),
    (r"\bAIza[\w-]{30,}", GONE),
    (r"://[^/\s@]+@", f"://{GONE}@"),
    (r"(?i)\b(\w*(?:token|secret|passwo?r?d|api_?key|sessionid|csrf\w*))(['\"]?\s*[=:]\s*['\"]?)"
     r"[^\s'\"&,;)}\]]+", rf"\1\2{GONE}"),
    (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", GONE),
    (r"\+\d[\d ()-]{8,16}\d\b", GONE),
    (r"(?<![\w.-])[78][ (-]{0,2}\d{3}[ )-]{0,2}\d{3}[ -]?\d{2}[ -]?\d{2}(?![\w.-])", GONE),
    (r"(?:\\+x[0-9a-f]{2}[^\\]{0,20}){12,}", GONE),  # a picture, as Python shows bytes
    (r"[A-Za-z0-9+/]{256,}={0,2}", GONE),  # or in base64
))  # fmt: skip


def redacted(value: Any) -> Any:
    """The same without secrets, as deep as it goes. What is no text and no container stays."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return {redacted(key): redacted(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(one) for one in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return GONE
    return value if value is None or isinstance(value, bool | int | float) else _text(str(value))


def _text(text: str) -> str:
    if len(text) > 2 * LONGEST:
        text = f"{text[:LONGEST]} … {text[-LONGEST:]}"
    for secret in known():
        text = text.replace(secret, GONE)
    for shape, kept in SHAPES:
        text = shape.sub(kept, text)
    return text


@functools.cache
def known() -> tuple[str, ...]:
    """Every secret of the settings, the longest first, as they are and as an address shows them."""
    found = {secret for secret in _secrets() if len(secret) >= SHORTEST_SECRET}
    found |= {quote(secret, safe="") for secret in found}
    return tuple(sorted(found, key=len, reverse=True))


def _secrets() -> Iterator[str]:
    yield from (one for name, one in settings.S3_WHERE.items() if name.endswith("_key"))
    for database in (*settings.DATABASES.values(), settings.BACKUP_DATABASE):
        yield str(database.get("PASSWORD") or "")
    for name in dir(settings):
        if name not in NOT_SECRET and SECRET_NAME.search(name):
            for one in _single(getattr(settings, name)):
                yield from _of_address(one) if name.endswith("_URL") else _of_value(one)


def _single(value: object) -> Iterator[str]:
    """One secret, or several under names or in a list."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        several = value.values() if isinstance(value, dict) else value
        yield from (one for one in several if isinstance(one, str))


def _of_value(value: str) -> Iterator[str]:
    """Also the second part of a token, or of a key like `user:password`."""
    yield value
    if "://" in value:
        yield from _of_address(value)
    else:
        yield value.partition(":")[2]


def _of_address(value: str) -> Iterator[str]:
    """The password in an address. Shapes find it too, but not where it stands alone."""
    try:
        password = urlsplit(value).password or ""
    except ValueError:
        return
    yield from (password, unquote(password))
