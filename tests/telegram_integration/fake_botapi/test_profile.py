"""Commands, names and menus in the fake Bot API."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Bot

from tests.telegram_integration.fake_botapi.asking import ANN, ask
from tests.vendors.botapi import BotApi


async def test_commands_differ_by_language_and_place(telegram: BotApi, bot: Bot) -> None:
    await bot.set_my_commands([("start", "Begin")])
    await bot.set_my_commands([("start", "Начать")], language_code="ru")
    found = await bot.get_my_commands(language_code="ru")
    assert [one.description for one in found] == ["Начать"]
    await bot.delete_my_commands(language_code="ru")
    assert await bot.get_my_commands(language_code="ru") == ()
    assert len(telegram.profile.commands) == 1


@pytest.mark.parametrize(
    ("method", "params", "why"),
    [
        ("setMyCommands", {"commands": [{"command": "Start", "description": "x"}]},
         "BOT_COMMAND_INVALID"),
        ("setMyCommands", {"commands": [{"command": "start", "description": ""}]},
         "BOT_COMMAND_DESCRIPTION_INVALID"),
        ("setMyCommands", {"commands": [{"command": "a", "description": "x"}] * 101},
         "BOT_COMMANDS_TOO_MUCH"),
        ("setMyCommands", {"commands": [], "language_code": "rus"},
         "invalid language code specified"),
        ("setMyCommands", {"commands": [], "scope": {"type": "moon"}},
         "can't parse BotCommandScope: Unsupported type specified"),
        ("setMyName", {"name": "x" * 65}, "name is too long"),
        ("setMyDescription", {"description": "x" * 513}, "description is too long"),
        ("setMyShortDescription", {"short_description": "x" * 121},
         "short description is too long"),
        ("setChatMenuButton", {"menu_button": {"type": "web_app", "text": "Open",
         "web_app": {"url": "http://x.test"}}},
         "menu button Web App URL 'http://x.test' is invalid: Only HTTPS links are allowed"),
    ],
)  # fmt: skip
def test_a_wrong_profile_is_refused(
    telegram: BotApi, method: str, params: dict[str, Any], why: str
) -> None:
    assert ask(telegram, method, **params)["description"] == f"Bad Request: {why}"


async def test_the_profile_is_remembered(telegram: BotApi, bot: Bot) -> None:
    await bot.set_my_description("Студия", language_code="ru")
    await bot.set_my_short_description("Studio")
    await bot.set_my_name("Studio")
    assert telegram.profile.texts["description", "ru"] == "Студия"
    assert (await bot.get_my_short_description("ru")).short_description == "Studio"
    await bot.set_chat_menu_button(ANN)
    assert telegram.profile.menus[ANN] == {"type": "default"}
