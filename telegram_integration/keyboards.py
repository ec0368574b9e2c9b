"""Buttons under messages. What a button carries says all: it works after restarts and deploys.

``<version>:<act>:<rest>``, at most 64 bytes. Codes are UUIDs in 22 characters.
"""

from __future__ import annotations

import base64
import uuid

from django.conf import settings

VERSION = "1"
LONGEST = 64  # bytes, Telegram's limit

Button = dict[str, object]
Keyboard = list[list[Button]]


def button(text: str, act: str, *rest: object) -> Button:
    """A button that tells the bot to do something. UUIDs among ``rest`` are shortened."""
    parts = [short(one) if isinstance(one, uuid.UUID) else str(one) for one in rest]
    data = ":".join([VERSION, act, *parts])
    if len(data.encode()) > LONGEST:
        raise ValueError(data)
    return {"text": str(text), "callback_data": data}


def read(data: str) -> tuple[str, list[str]]:
    """The act and its arguments. Raises ValueError for what no version of ours has made."""
    version, _colon, rest = data.partition(":")
    act, *arguments = rest.split(":")
    if version != VERSION or not act:
        raise ValueError(data)
    return act, arguments


def page(text: str, path: str, *, chat_id: int) -> list[Button]:
    """A button that opens a page of the studio; none where Telegram would not open ours.

    Mini Apps are for private chats and https alone; a group gets a plain link.
    """
    if not settings.HTTPS:
        return []
    address = settings.SITE_URL + path
    opened: Button = {"web_app": {"url": address}} if chat_id > 0 else {"url": address}
    return [{"text": str(text), **opened}]


def chat(text: str, start: str) -> list[Button]:
    """A button that opens the bot's own chat with this payload; none while its name is unknown."""
    if not settings.TELEGRAM_BOT_NAME:
        return []
    link = f"https://t.me/{settings.TELEGRAM_BOT_NAME}?start={start}"
    return [{"text": str(text), "url": link}]


def markup(rows: Keyboard) -> dict[str, object]:
    return {"inline_keyboard": [row for row in rows if row]}


def short(code: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(code.bytes).decode().rstrip("=")


def long(text: str) -> uuid.UUID:
    """Raises ValueError where it is none of ours."""
    return uuid.UUID(bytes=base64.urlsafe_b64decode(text + "=="))
