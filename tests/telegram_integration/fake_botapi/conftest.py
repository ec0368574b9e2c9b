"""A fake Bot API with people in it, and a bot of python-telegram-bot that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Message

from tests.telegram_integration.fake_botapi.asking import ANN, BOB, GROUP, Clock
from tests.vendors.botapi import TOKEN, BotApi


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def telegram(clock: Clock) -> Iterator[BotApi]:
    """Ann has started the bot; Bob has not, but is in a group with it."""
    with BotApi(clock=clock) as api:
        api.start(ANN)
        api.person(BOB, first_name="Bob", username="bob", language_code="ru")
        api.group(GROUP, "Friends", [ANN, BOB])
        yield api


@pytest.fixture
async def bot(telegram: BotApi) -> AsyncIterator[Bot]:
    urls = {"base_url": telegram.base_url, "base_file_url": telegram.base_file_url}
    async with Bot(TOKEN, **urls) as made:
        yield made


@pytest.fixture
async def sent(bot: Bot) -> Message:
    board = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]])
    return await bot.send_message(ANN, "Old", reply_markup=board)
