"""The way to Telegram: one client with its own limits, and files that people sent."""

from __future__ import annotations

from django.conf import settings
from telegram import Bot
from telegram.error import InvalidToken, TelegramError
from telegram.request import HTTPXRequest

CONNECTIONS = 64
CONNECT_SECONDS, READ_SECONDS, POOL_SECONDS = 5.0, 20.0, 5.0
MEDIA_SECONDS = 60.0
POLL_SECONDS = 25


def make() -> Bot:
    """A bot of python-telegram-bot's. Its address is a setting: a server of one's own, or tests."""
    root = settings.BOT_API_URL.rstrip("/")
    return Bot(
        settings.TELEGRAM_BOT_TOKEN,
        base_url=f"{root}/bot",
        base_file_url=f"{root}/file/bot",
        request=_request(CONNECTIONS, READ_SECONDS),
        get_updates_request=_request(1, POLL_SECONDS + READ_SECONDS),
    )


def _request(connections: int, read_seconds: float) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=connections, connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds, write_timeout=READ_SECONDS, pool_timeout=POOL_SECONDS,
        media_write_timeout=MEDIA_SECONDS,
    )  # fmt: skip


def is_from_telegram(error: TelegramError) -> bool:
    """A proxy in between answers too, with pages that are no JSON: what they say means nothing.

    For the library a page in place of a good answer is a bare TelegramError, one with the number
    of an error is that error, caused by the other.
    """
    return type(error) is not TelegramError and not isinstance(error.__cause__, TelegramError)


def is_shut(error: TelegramError) -> bool:
    """Telegram itself says that there is no such bot: the token is wrong, or was revoked."""
    return isinstance(error, InvalidToken) and is_from_telegram(error)


async def download(bot: Bot, file_id: str, most_bytes: int) -> bytes | None:
    """A file that somebody sent; None where it is larger than that."""
    file = await bot.get_file(file_id)
    if (file.file_size or 0) > most_bytes:
        return None
    data = bytes(await file.download_as_bytearray())
    return data if len(data) <= most_bytes else None
