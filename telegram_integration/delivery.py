"""Sending what is due, at the pace that Telegram allows, results first.

A scheduler of our own over rows: the library's limiter lets everybody wait when one chat is told
to. One process sends (see `runbot`), so the pace can be kept in its memory.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from django.core.files.storage import default_storage
from telegram import Bot, InputMediaDocument, InputMediaPhoto
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from telegram_integration import door, outbox, status, telling
from telegram_integration.models import OutgoingMessage
from telegram_integration.pace import Pace
from telegram_integration.threads import in_thread

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.15
TELL_SECONDS = 0.2
AT_ONCE = 40  # requests under way
METHODS: dict[str, Callable[..., Awaitable[Any]]] = {
    "sendMessage": Bot.send_message,
    "sendInvoice": Bot.send_invoice,
    "editMessageText": Bot.edit_message_text,
    "editMessageMedia": Bot.edit_message_media,
    "editMessageReplyMarkup": Bot.edit_message_reply_markup,
    "deleteMessage": Bot.delete_message,
}
MEDIA = {"photo": InputMediaPhoto, "document": InputMediaDocument}
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
UNCHANGED = "message is not modified"
GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")


class Delivery:
    """Looks at the rows, and sends one after the other. ``run`` ends when it is cancelled."""

    def __init__(self, bot: Bot, pace: Pace | None = None) -> None:
        self.bot, self.pace = bot, pace or Pace()
        self.in_hand: dict[int, OutgoingMessage] = {}
        self.under_way: set[asyncio.Task[None]] = set()
        self.waiting: list[OutgoingMessage] = []
        self.looked_at = self.told_at = float("-inf")

    async def run(self) -> None:
        while True:
            try:
                await self._round()
            except Exception:
                logger.warning("could not deliver", exc_info=True)
                await asyncio.sleep(1)

    async def finish(self) -> None:
        """What is under way is waited for, a little."""
        if self.under_way:
            await asyncio.wait(self.under_way, timeout=10)

    async def _round(self) -> None:
        now = time.monotonic()
        if now - self.told_at >= TELL_SECONDS:
            self.told_at = now
            await in_thread(telling.tell)
        if now - self.looked_at >= LOOK_SECONDS:
            self.looked_at = now
            await self._look()
        row = self._next(time.monotonic()) if len(self.under_way) < AT_ONCE else None
        if row is None:
            await asyncio.sleep(max(0.01, self.looked_at + LOOK_SECONDS - time.monotonic()))
            return
        await asyncio.sleep(self.pace.overall.wait(time.monotonic()))
        self.pace.take(row.chat_id, time.monotonic())
        self._start(row)

    async def _look(self) -> None:
        self.pace.forget(time.monotonic())
        rows = await in_thread(outbox.due, set(self.in_hand))
        edits = await in_thread(status.due, {-key for key in self.in_hand if key < 0})
        self.waiting = sorted([*rows, *edits], key=lambda row: (row.lane, row.due_at))

    def _next(self, now: float) -> OutgoingMessage | None:
        """The first whose chat may be written to. Two for one chat keep their order."""
        passed_over: set[int] = {row.chat_id for row in self.in_hand.values()}
        for row in self.waiting:
            if row.chat_id not in passed_over and self.pace.wait(row.chat_id, now) <= 0:
                self.waiting.remove(row)
                return row
            passed_over.add(row.chat_id)
        return None

    def _start(self, row: OutgoingMessage) -> None:
        self.in_hand[row.pk] = row
        task = asyncio.create_task(self.send(row))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    async def send(self, row: OutgoingMessage) -> None:
        try:
            if await in_thread(_claim(row), row):
                await self._ask(row)
        except Exception:
            logger.exception("message %s could not be dealt with", row.pk)
        finally:
            self.in_hand.pop(row.pk, None)

    async def _ask(self, row: OutgoingMessage) -> None:
        try:
            answer = await METHODS[row.method](self.bot, **await _request(row))
        except TelegramError as error:
            await self._failed(row, error)
        else:
            number = getattr(answer, "message_id", None)
            await in_thread(_sent(row), row, number, _file_id(row, answer))

    async def _failed(self, row: OutgoingMessage, error: TelegramError) -> None:
        if isinstance(error, RetryAfter):
            seconds = float(error.retry_after) + 0.5
            self.pace.hold(row.chat_id, seconds, time.monotonic())
        if row.pk < 0:
            await in_thread(status.failed, row, _seconds(error))
            return
        for kind, act in FAILURES:
            if isinstance(error, kind):
                await in_thread(act, row, error)
                return
        logger.error("Telegram does not serve us: %s", error)
        await in_thread(_wait_long, row)


def send_now(rows: list[OutgoingMessage]) -> None:
    """These, one after the other, where the bot's process does not: see `owner.py`."""

    async def send() -> None:
        delivery = Delivery(door.make())
        for row in rows:
            await delivery.send(row)
        await delivery.bot.shutdown()

    if rows:
        asyncio.run(send())


def _claim(row: OutgoingMessage) -> Callable[[OutgoingMessage], bool]:
    return status.claim if row.pk < 0 else outbox.claim


def _sent(row: OutgoingMessage) -> Callable[[OutgoingMessage, int | None, str], None]:
    return status.sent if row.pk < 0 else outbox.sent


def _file_id(row: OutgoingMessage, answer: Any) -> str:
    """How Telegram calls the picture that came with this row, in its largest size."""
    sizes = getattr(answer, "photo", None) if row.photo_id else None
    return str(sizes[-1].file_id) if sizes else ""


def _seconds(error: TelegramError) -> float:
    return float(error.retry_after) + 0.5 if isinstance(error, RetryAfter) else 0.0


async def _request(row: OutgoingMessage) -> dict[str, Any]:
    """The Bot API's own parameters; a picture is read from the storage now."""
    asked = {**_where(row), **row.body}
    if row.is_inline and row.file_id:
        asked["media"] = InputMediaPhoto(row.file_id, caption=asked.pop("caption", ""))
    elif row.photo_id:
        data, name = await in_thread(_picture, row)
        kind = MEDIA[asked.pop("media", {}).get("type", "photo")]
        asked["media"] = kind(data, caption=asked.pop("caption", ""), filename=name)
    return asked


def _where(row: OutgoingMessage) -> dict[str, Any]:
    if row.is_inline:
        return {"inline_message_id": row.edits.inline_message_id}
    return {"chat_id": row.chat_id} | ({"message_id": row.edits.message_id} if row.edits_id else {})


def _picture(row: OutgoingMessage) -> tuple[bytes, str]:
    with default_storage.open(row.photo.master) as file:
        return file.read(), f"{row.photo.code}.{row.photo.master.rsplit('.', 1)[1]}"


def _wait(row: OutgoingMessage, error: RetryAfter) -> None:
    outbox.later(row, _seconds(error), counts=False)


def _wait_long(row: OutgoingMessage) -> None:
    """A token that was revoked, or a server that is none: nothing is lost until it is mended."""
    outbox.later(row, outbox.LONGEST_PAUSE, counts=False)


def _nobody_knows(row: OutgoingMessage, error: NetworkError) -> None:
    outbox.later(row, 2.0 ** min(row.tries, 8), counts=not isinstance(error.__cause__, NOT_SENT))


def _refused(row: OutgoingMessage, error: BadRequest) -> None:
    said = str(error).lower()
    if UNCHANGED in said:
        outbox.sent(row, None)
    elif row.edits_id and not row.is_inline and any(words in said for words in GONE):
        outbox.send_anew(row)
    else:
        logger.warning("%s to a chat was refused: %s", row.method, error)
        outbox.failed(row, str(error))


def _blocked(row: OutgoingMessage, error: Forbidden) -> None:
    outbox.failed(row, str(error))
    outbox.blocked(row.chat_id)


def _moved(row: OutgoingMessage, error: ChatMigrated) -> None:
    outbox.later(row, 0.0, counts=False)
    outbox.moved(row.chat_id, error.new_chat_id)


# The first that fits. BadRequest is a NetworkError for the library.
FAILURES: tuple[tuple[type[TelegramError], Callable[[OutgoingMessage, Any], None]], ...] = (
    (RetryAfter, _wait),
    (Forbidden, _blocked),
    (ChatMigrated, _moved),
    (BadRequest, _refused),
    (NetworkError, _nobody_knows),
)
