"""Sending what is due, at the pace that Telegram allows, results first.

A scheduler of our own over rows: the library's limiter lets everybody wait when one chat is told
to. One process sends (see `runbot`), so the pace can be kept in its memory.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from django.db import connections
from telegram import Bot
from telegram.constants import ChatAction
from telegram.error import InvalidToken, RetryAfter, TelegramError

from billing.problem import Problem
from telegram_integration import door, outbox, parcels, refusals, status, telling
from telegram_integration.drawing import Drawing
from telegram_integration.models import Lane, OutgoingMessage
from telegram_integration.pace import Pace, Slot
from telegram_integration.refusals import book
from telegram_integration.threads import in_thread

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.15
TELL_SECONDS = 0.2
DRAWING_SECONDS = 1.0
REST_SECONDS = 0.01
NOTE_SECONDS, NOTE_TIMES = 1.0, 120
# What a chat may get is shared: so much of it is left for a result, which waits for nothing else.
SPARE = {Lane.RESULT: 0.0, Lane.TALK: 1 / 3, Lane.STATUS: 0.5, Lane.BROADCAST: 1 / 3}


class Delivery:
    """Looks at the rows, and sends one after the other. ``run`` ends when it is cancelled."""

    def __init__(self, bot: Bot, pace: Pace | None = None) -> None:
        self.bot, self.pace = bot, pace or Pace()
        self.drawing = Drawing(bot, self.pace)
        self.waiting: list[OutgoingMessage] = []
        self.in_hand: dict[int, OutgoingMessage] = {}
        self.begun: set[int] = set()
        self.put_off: set[int] = set()
        self.under_way: set[asyncio.Task[None]] = set()
        self.news = asyncio.Event()
        self.remembered = False
        self.shut: InvalidToken | None = None

    async def run(self) -> None:
        """Raises InvalidToken once Telegram does not know this bot any more."""
        beside = [
            asyncio.create_task(_again_and_again(TELL_SECONDS, self._tell)),
            asyncio.create_task(_again_and_again(REST_SECONDS, self._look_soon)),
            asyncio.create_task(_again_and_again(DRAWING_SECONDS, self.drawing.show)),
        ]
        try:
            while self.shut is None:
                await self._send_next()
            raise self.shut
        finally:
            for task in beside:
                task.cancel()

    async def finish(self) -> None:
        """What is under way is waited for, a little."""
        if self.under_way:
            await asyncio.wait(self.under_way, timeout=10)

    async def _tell(self) -> None:
        if await in_thread(telling.tell):
            self.news.set()

    async def _look_soon(self) -> None:
        """At once where something was told, or a picture may take the place of its message now."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.news.wait(), LOOK_SECONDS)
        self.news.clear()
        await self._look()

    async def _look(self) -> None:
        """What is begun while we look, or put off, is in what we see as well."""
        if not self.remembered:
            await self._remember_pauses()
        now = time.monotonic()
        self.begun.clear()
        self.put_off.clear()
        self.pace.forget(now)
        found = await in_thread(_due, set(self.in_hand), self.pace.resting(now, LOOK_SECONDS))
        found = [row for row in found if row.pk not in self.begun]
        self.waiting = [row for row in found if row.chat_id not in self.put_off]

    async def _remember_pauses(self) -> None:
        for chat_id, seconds in await in_thread(outbox.left_alone):
            self.pace.hold(chat_id, seconds, time.monotonic())
        for chat_id, seconds in await in_thread(outbox.lately_sent):
            self.pace.was_sent(chat_id, time.monotonic() - seconds)
        self.remembered = True

    async def _send_next(self) -> None:
        """The pace is waited for first, so that what became due meanwhile can be first in line."""
        if not self.waiting:
            await asyncio.sleep(REST_SECONDS)
            return
        now = time.monotonic()
        if (seconds := self.pace.wait_for_all(now)) > 0:
            await asyncio.sleep(min(seconds, LOOK_SECONDS))
        elif row := self._next(now):
            self._start(row, self.pace.take(now))
        else:
            await asyncio.sleep(REST_SECONDS)

    def _next(self, now: float) -> OutgoingMessage | None:
        """The first whose chat may be written to. Two for one chat keep their order."""
        passed_over = {row.chat_id for row in self.in_hand.values()}
        for place, row in enumerate(self.waiting):
            spare = SPARE[Lane(row.lane)]
            if row.chat_id not in passed_over and self.pace.wait(row.chat_id, now, spare) <= 0:
                return self.waiting.pop(place)
            passed_over.add(row.chat_id)
        return None

    def _start(self, row: OutgoingMessage, slot: Slot) -> None:
        self.in_hand[row.pk] = row
        self.begun.add(row.pk)
        task = asyncio.create_task(self.send(row, slot))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    async def send(self, row: OutgoingMessage, slot: Slot | None = None) -> None:
        slot = slot or self.pace.take(time.monotonic())
        try:
            if await self._is_listened_to(row) and await in_thread(book(row).claim, row):
                await self._ask(row, slot)
        except Exception:
            logger.exception("message %s could not be dealt with", row.pk)
        finally:
            self.pace.give_back(slot)
            self.in_hand.pop(row.pk, None)

    async def _is_listened_to(self, row: OutgoingMessage) -> bool:
        """What may have arrived is sent again only when Telegram surely listens: an answer to
        something harmless says so. What it says against the chat, the message hears as well."""
        if row.pk < 0 or not outbox.is_in_doubt(row):
            return True
        try:
            await self.bot.send_chat_action(row.chat_id, ChatAction.TYPING)
        except TelegramError as error:
            if refusals.is_unheard(error) or isinstance(error, RetryAfter):
                self._heed(row, error)
                await _note(outbox.later, row, refusals.backoff(row), outbox.UNKNOWN)
                return False
        return True

    async def _ask(self, row: OutgoingMessage, slot: Slot) -> None:
        try:
            answer = await self._hand_over(row, slot)
        except Problem:
            await _note(outbox.picture_gone, row)
        except TelegramError as error:
            self._heed(row, error)
            await _note(refusals.note, row, error)
        except Exception:
            logger.exception("message %s could not be sent", row.pk)
            await _note(book(row).in_doubt, row, refusals.backoff(row))
        else:
            self.pace.was_taken()
            number = getattr(answer, "message_id", None)
            await _note(book(row).sent, row, number, parcels.file_id(row, answer))
            if row.lane == Lane.RESULT:
                self.news.set()

    async def _hand_over(self, row: OutgoingMessage, slot: Slot) -> Any:
        """It counts until Telegram has answered, well or badly."""
        try:
            return await parcels.send(self.bot, row)
        finally:
            self.pace.landed(slot, row.chat_id, time.monotonic())

    def _heed(self, row: OutgoingMessage, error: TelegramError) -> None:
        """What follows for others. Who waits for a message does not hear the next one first: what
        is due in that chat is looked up again."""
        if door.is_shut(error):
            self.shut = error
        elif isinstance(error, RetryAfter):
            self.pace.told_to_wait(row.chat_id, refusals.pause(error), time.monotonic())
        self.put_off.add(row.chat_id)
        self.waiting = [one for one in self.waiting if one.chat_id != row.chat_id]


def send_now(rows: list[OutgoingMessage]) -> None:
    """These, one after the other, where the bot's process does not: see `owner.py`."""

    async def send() -> None:
        delivery = Delivery(door.make())
        for row in rows:
            await delivery.send(row)
        await delivery.bot.shutdown()
        await in_thread(connections.close_all)

    if rows:
        asyncio.run(send())


def _due(in_hand: set[int], resting: list[int]) -> list[OutgoingMessage]:
    messages = outbox.due(in_hand, resting)
    changes = status.due({-key for key in in_hand if key < 0}, resting)
    return sorted([*messages, *changes], key=lambda row: row.lane)


async def _again_and_again(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await act()
        except Exception:
            logger.warning("could not deliver", exc_info=True)
            await asyncio.sleep(1)
        await asyncio.sleep(seconds)


async def _note(act: Callable[..., None], *what: Any) -> None:
    """What Telegram has done is written down as soon as the database is there: until then nobody
    does it again."""
    for _time in range(NOTE_TIMES):
        try:
            await in_thread(act, *what)
            return
        except Exception:
            logger.warning("what was sent could not be noted", exc_info=True)
            await asyncio.sleep(NOTE_SECONDS)
