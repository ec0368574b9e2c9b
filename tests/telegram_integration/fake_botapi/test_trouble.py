"""The fake Bot API misbehaves when it is told to, and works in a crowd."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from telegram import Bot
from telegram.error import BadRequest, NetworkError, RetryAfter, TimedOut

from tests.telegram_integration.fake_botapi.asking import ANN, Clock, burst, newest
from tests.vendors import botapi
from tests.vendors.botapi import BotApi


async def test_a_scripted_error_comes_as_often_as_said(telegram: BotApi, bot: Bot) -> None:
    telegram.script("sendMessage", botapi.error(400, "chat not found"), times=2)
    for _ in range(2):
        with pytest.raises(BadRequest, match="Chat not found"):
            await bot.send_message(ANN, "x")
    await bot.send_message(ANN, "y")
    assert [one.text for one in telegram.messages(ANN) if one.by_bot] == ["y"]


async def test_a_scripted_pause_is_watched(telegram: BotApi, bot: Bot, clock: Clock) -> None:
    telegram.script("sendMessage", botapi.too_many(7))
    with pytest.raises(RetryAfter) as told:
        await bot.send_message(ANN, "x")
    assert told.value.retry_after == 7
    await bot.send_message(ANN, "too early")
    clock.now += 7
    await bot.send_message(ANN, "in time")
    assert len(telegram.offences) == 1


@pytest.mark.parametrize(
    ("behaviour", "raised", "arrived"),
    [
        (botapi.TROUBLE, NetworkError, 0),
        (botapi.HTML, None, 0),
        (botapi.HANG, TimedOut, 0),
        (botapi.SILENT, TimedOut, 1),
        (botapi.RESET, NetworkError, 0),
        (botapi.LOST, NetworkError, 1),
    ],
)
async def test_trouble_comes_before_or_after_the_deed(
    telegram: BotApi, bot: Bot, behaviour: Any, raised: Any, arrived: int
) -> None:
    telegram.script("sendMessage", behaviour)
    with pytest.raises(raised or Exception):
        await bot.send_message(ANN, "x", read_timeout=0.3)
    assert len(telegram.calls_to("sendMessage")) == arrived
    await bot.send_message(ANN, "x")


async def test_downloads_misbehave_too(telegram: BotApi, bot: Bot) -> None:
    telegram.send_document(ANN, b"raw")
    file = await bot.get_file(newest(telegram)["message"]["document"]["file_id"])
    telegram.script(botapi.FILE, botapi.TROUBLE)
    with pytest.raises(NetworkError):
        await file.download_as_bytearray()
    assert bytes(await file.download_as_bytearray()) == b"raw"


async def test_telegram_may_be_slow(telegram: BotApi, bot: Bot) -> None:
    telegram.delay = 0.2
    began = time.monotonic()
    await bot.send_message(ANN, "x")
    assert time.monotonic() - began >= 0.2


def test_many_bots_threads_write_at_once(telegram: BotApi) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: burst(telegram, ANN, 5), range(8)))
    numbers = [one.id for one in telegram.messages(ANN)]
    assert numbers == list(range(1, 42))
    assert len(telegram.sent) == 40
