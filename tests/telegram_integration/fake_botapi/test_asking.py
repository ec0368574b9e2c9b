"""Addresses, bodies and chats: who may ask the fake Bot API for what."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from telegram import Bot
from telegram.error import BadRequest, Forbidden

from tests.telegram_integration.fake_botapi.asking import (
    ANN,
    BOB,
    GROUP,
    INVOICE,
    STRANGER,
    ask,
    keys,
    newest,
    text_to,
    updates,
)
from tests.vendors.botapi import TOKEN, BotApi


async def test_the_bot_knows_itself(bot: Bot) -> None:
    assert (bot.id, bot.username, bot.supports_inline_queries) == (123456, "studio_test_bot", True)


@pytest.mark.parametrize(
    ("path", "status", "description"),
    [
        (f"/bot{TOKEN}/getme", 200, None),
        (f"/bot{TOKEN.replace(':', '%3A')}/getMe", 200, None),
        ("/bot123456:other/getMe", 401, "Unauthorized"),
        (f"/bot{TOKEN}/makeCoffee", 404, "Not Found: method not found"),
        ("/elsewhere", 404, "Not Found"),
    ],
)
def test_an_address_is_read_as_telegram_does(
    telegram: BotApi, path: str, status: int, description: str | None
) -> None:
    answer = httpx2.get(telegram.url + path)
    assert (answer.status_code, answer.json().get("description")) == (status, description)


def test_a_form_a_query_and_json_say_the_same(telegram: BotApi) -> None:
    url = f"{telegram.base_url}{TOKEN}/sendMessage"
    said = {
        "chat_id": str(ANN),
        "text": "one & two",
        "reply_markup": json.dumps(keys({"url": "t.me/x"})),
    }
    httpx2.post(url, data=said)
    httpx2.get(url, params=said)
    httpx2.post(url, json=said)
    shown = telegram.messages(ANN)[-3:]
    assert [(one.text, one.labels) for one in shown] == [("one & two", ["Go"])] * 3


def test_a_broken_body_is_refused(telegram: BotApi) -> None:
    url, kind = f"{telegram.base_url}{TOKEN}/sendMessage", {"Content-Type": "application/json"}
    for body in (b"{", b"[]", b'{"text": "\xff"}'):
        assert httpx2.post(url, content=body, headers=kind).status_code == 400
    assert httpx2.post(url, content=b"text=%FF").json()["description"] == (
        "Bad Request: strings must be encoded in UTF-8"
    )
    assert ask(telegram, "sendMessage", **text_to(ANN), reply_markup="{")["description"] == (
        "Bad Request: can't parse reply markup JSON object"
    )


@pytest.mark.parametrize(
    ("chat_id", "code", "why"),
    [
        (999, 400, "Bad Request: chat not found"),
        ("@nobody", 400, "Bad Request: chat not found"),
        ("", 400, "Bad Request: chat_id is empty"),
        (BOB, 403, "Forbidden: bot can't initiate conversation with a user"),
    ],
)
def test_a_chat_must_be_open(telegram: BotApi, chat_id: Any, code: int, why: str) -> None:
    answer = ask(telegram, "sendMessage", **text_to(chat_id))
    assert (answer["error_code"], answer["description"]) == (code, why)
    assert telegram.refused[-1].why == why


async def test_who_blocked_the_bot_is_not_written_to(telegram: BotApi, bot: Bot) -> None:
    telegram.block(ANN)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(ANN, "x")
    telegram.unblock(ANN)
    await bot.send_message(ANN, "x")
    changes = [one["my_chat_member"]["new_chat_member"]["status"] for one in updates(telegram)
               if one.get("my_chat_member", {}).get("chat", {}).get("id") == ANN]  # fmt: skip
    assert changes == ["kicked", "member"]


async def test_a_deleted_account_is_not_written_to(telegram: BotApi, bot: Bot) -> None:
    telegram.deactivate(ANN)
    with pytest.raises(Forbidden, match="user is deactivated"):
        await bot.send_message(ANN, "x")


async def test_a_bot_outside_a_group_is_silent(telegram: BotApi, bot: Bot) -> None:
    telegram.kick(GROUP, by=ANN)
    with pytest.raises(Forbidden, match="bot was kicked from the supergroup chat"):
        await bot.send_message(GROUP, "x")
    telegram.group(-5, "Small", [ANN])
    await bot.leave_chat(-5)
    with pytest.raises(Forbidden, match="bot is not a member of the group chat"):
        await bot.send_message(-5, "x")


def test_a_group_that_moved_says_where(telegram: BotApi) -> None:
    telegram.group(-5, "Small", [ANN])
    telegram.migrate(-5, -1005)
    answer = ask(telegram, "sendMessage", **text_to(-5))
    assert answer["parameters"] == {"migrate_to_chat_id": -1005}
    assert newest(telegram)["message"]["migrate_to_chat_id"] == -1005


async def test_chats_and_members_are_told(bot: Bot) -> None:
    assert (await bot.get_chat(GROUP)).title == "Friends"
    assert (await bot.get_chat_member(GROUP, BOB)).status == "member"
    assert (await bot.get_chat_member(GROUP, bot.id)).status == "member"
    with pytest.raises(BadRequest, match="User not found"):
        await bot.get_chat_member(GROUP, STRANGER)


@pytest.mark.parametrize(
    ("method", "params", "why"),
    [
        ("sendMessage", text_to(ANN, reply_markup=[1]), "object expected as reply markup"),
        ("sendMessage", text_to(ANN, reply_markup={"keyboard": [[{"text": ""}]]}),
         'can\'t parse keyboard button: Can\'t find field "text"'),
        ("sendInvoice", {"chat_id": ANN, **INVOICE, "reply_markup": {"keyboard": []}},
         "inline keyboard expected"),
        ("setChatMenuButton", {"menu_button": {"type": "moon"}}, "unsupported menu button"),
        ("setChatMenuButton", {"menu_button": {"type": "web_app"}},
         'can\'t parse menu button: Can\'t find field "text"'),
        ("getChatMember", {"chat_id": ANN}, "invalid user_id specified"),
        ("leaveChat", {"chat_id": ANN}, "chat member status can't be changed in private chats"),
        ("setMyCommands", {"commands": [], "scope": {"type": "chat"}},
         "can't parse BotCommandScope: {'chat_id'} must be given"),
        ("savePreparedInlineMessage", {"user_id": ANN}, "result is not specified"),
        ("savePreparedInlineMessage", {"user_id": ANN, "result": {"id": "1", "type": "game"}},
         "can't parse inline query result: this fake does not know type game"),
        ("savePreparedInlineMessage", {"user_id": ANN, "result": {"id": "1", "type": "document"}},
         'can\'t parse inline query result: Can\'t find field "title"'),
        ("editMessageMedia", {"media": {"type": "video"}},
         "can't parse InputMedia: this fake takes photos and documents, not video"),
        ("refundStarPayment", {"user_id": ANN, "telegram_payment_charge_id": "x"},
         "CHARGE_NOT_FOUND"),
    ],
)  # fmt: skip
def test_a_malformed_value_is_refused(
    telegram: BotApi, method: str, params: dict[str, Any], why: str
) -> None:
    assert ask(telegram, method, **params)["description"] == f"Bad Request: {why}"
