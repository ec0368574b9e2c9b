"""Messages that are delivered to a fake Telegram, as `runbot` does it, while the test waits."""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, Self

import pytest
from telegram import Bot
from telegram.request import HTTPXRequest

from telegram_integration import saying, threads
from telegram_integration.delivery import Delivery
from telegram_integration.models import OutgoingMessage
from tests.vendors.botapi import TOKEN, BotApi

ANN, BOB, CARL, FRIENDS = 11, 12, 13, -1001
PATIENCE_SECONDS = 30
numbers = itertools.count(1)


class Here(Executor):
    """Database work is done by the test's own thread, on its connection, while the test waits."""

    def __init__(self) -> None:
        self.tasks: queue.Queue[tuple[Future[Any], Callable[[], Any]]] = queue.Queue()

    def submit(self, act: Callable[..., Any], *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.tasks.put((future, lambda: act(*arguments, **named)))
        return future

    def work(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with suppress(queue.Empty):
            while (left := end - time.monotonic()) > 0:
                future, act = self.tasks.get(timeout=left)
                if future.set_running_or_notify_cancel():
                    self._do(future, act)

    def _do(self, future: Future[Any], act: Callable[[], Any]) -> None:
        try:
            future.set_result(act())
        except Exception as error:
            future.set_exception(error)


def at_hand(monkeypatch: pytest.MonkeyPatch) -> Here:
    """In place of the bot's threads; a test's connection lives as long as the test."""
    here = Here()
    monkeypatch.setattr(threads, "_pool", here)
    monkeypatch.setattr(threads, "close_old_connections", lambda: None)
    return here


class Post:
    """Deliveries that run beside the test. ``kill`` and ``begin`` are a bot that was killed and
    started again."""

    def __init__(self, telegram: BotApi, here: Here) -> None:
        request = HTTPXRequest(connection_pool_size=20, read_timeout=0.5)
        self.telegram, self.here = telegram, here
        self.bot = Bot(TOKEN, base_url=telegram.base_url, request=request)
        self.loop = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self._run(self.bot.initialize())
        self.begin()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.kill()
        self._run(self.bot.shutdown())
        self.loop.call_soon_threadsafe(self.loop.stop)

    def begin(self) -> None:
        self.delivery = Delivery(self.bot)
        self.running = asyncio.run_coroutine_threadsafe(self.delivery.run(), self.loop)

    def kill(self) -> None:
        """Nothing is noted of what was under way."""
        self.running.cancel()
        self._run(self._end())

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _run(self, act: Any) -> Any:
        waited_for = asyncio.run_coroutine_threadsafe(act, self.loop)
        self.until(waited_for.done)
        return waited_for.result()

    def until(self, is_so: Callable[[], Any]) -> Any:
        """What it says, as soon as it is true."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (found := is_so()):
            assert time.monotonic() < end, self.screen()
            self.here.work(0.02)
        return found

    def quiet(self) -> None:
        """Until nothing waits any more."""
        waiting = OutgoingMessage.objects.filter(state__in=("waiting", "sending"))
        self.until(lambda: not waiting.exists())

    def screen(self) -> dict[str, Any]:
        rows = OutgoingMessage.objects.values_list("body", "state", "tries", "trouble")
        return {"rows": list(rows), "refused": self.telegram.refused}


def seen(telegram: BotApi, chat_id: int = ANN) -> list[str]:
    """The bot's words in a chat."""
    return [one.words for one in telegram.messages(chat_id) if one.by_bot]


def pictures(telegram: BotApi, chat_id: int = ANN) -> list[bytes | None]:
    """What its messages there show."""
    return [one.photo for one in telegram.messages(chat_id) if one.by_bot]


def say(text: str, chat_id: int = ANN, **more: Any) -> OutgoingMessage:
    return saying.say(chat_id, text, key=f"test:{next(numbers)}", **more)


def state(message: OutgoingMessage) -> str:
    message.refresh_from_db()
    return message.state
