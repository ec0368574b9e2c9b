"""What the fake Bot API tells a bot, by polls and by a webhook."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from telegram import Bot, Update
from telegram.error import Conflict

from tests.telegram_integration.fake_botapi.asking import (
    ANN,
    BOB,
    GROUP,
    ask,
    last,
    newest,
    text_to,
    updates,
)
from tests.vendors.botapi import BotApi
from tests.vendors.stub import Answer, Request, Stub


async def test_what_a_person_says_arrives_whole(telegram: BotApi, bot: Bot) -> None:
    first = telegram.say(BOB, "hello")
    telegram.say(BOB, "/edit@studio_test_bot blue", reply_to=first)
    message = Update.de_json(newest(telegram), bot).message
    assert (message.chat.type, message.from_user.language_code) == ("private", "ru")
    assert message.parse_entities() == {message.entities[0]: "/edit@studio_test_bot"}
    assert (message.message_id, message.reply_to_message.text) == (2, "hello")


def test_update_numbers_grow_and_are_confirmed(telegram: BotApi) -> None:
    telegram.say(ANN, "one"), telegram.say(ANN, "two")
    numbers = [one["update_id"] for one in updates(telegram)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert updates(telegram, offset=numbers[-1])[0]["message"]["text"] == "two"
    assert len(updates(telegram)) == 1
    assert updates(telegram, offset=numbers[-1] + 1) == []


def test_limit_and_a_negative_offset_are_heard(telegram: BotApi) -> None:
    telegram.say(ANN, "one"), telegram.say(ANN, "two")
    assert len(updates(telegram, limit=1)) == 1
    assert [one["message"]["text"] for one in updates(telegram, offset=-1)] == ["two"]
    assert len(updates(telegram)) == 1


def test_only_allowed_updates_are_kept(telegram: BotApi) -> None:
    updates(telegram, offset=-1, allowed_updates=["inline_query"])
    telegram.say(ANN, "unheard")
    telegram.inline(ANN, "cat")
    assert [*newest(telegram)] == ["update_id", "inline_query"]
    updates(telegram, allowed_updates=[])
    assert telegram.say(ANN, "heard").update_id


def test_a_long_poll_ends_with_the_first_update(telegram: BotApi) -> None:
    updates(telegram, offset=-1)
    offset = newest(telegram)["update_id"] + 1
    threading.Timer(0.2, telegram.say, (ANN, "late")).start()
    began = time.monotonic()
    assert updates(telegram, offset=offset, timeout=4)[0]["message"]["text"] == "late"
    assert 0.1 < time.monotonic() - began < 3


async def test_a_second_poll_ends_the_first(telegram: BotApi, bot: Bot) -> None:
    offset = newest(telegram)["update_id"] + 1
    first = asyncio.create_task(bot.get_updates(offset, timeout=3))
    await asyncio.sleep(0.2)
    await asyncio.to_thread(updates, telegram, offset=offset)
    with pytest.raises(Conflict, match="terminated by other getUpdates request"):
        await first


async def test_a_webhook_ends_a_poll(telegram: BotApi, bot: Bot) -> None:
    offset = newest(telegram)["update_id"] + 1
    poll = asyncio.create_task(bot.get_updates(offset, timeout=3))
    await asyncio.sleep(0.2)
    await asyncio.to_thread(ask, telegram, "setWebhook", url="https://127.0.0.1:9/hook")
    with pytest.raises(Conflict, match="terminated by setWebhook request"):
        await poll


def test_groups_are_heard_by_command_and_reply(telegram: BotApi) -> None:
    ask(telegram, "sendMessage", **text_to(GROUP))
    heard = [
        telegram.say(ANN, "hello all", chat_id=GROUP),
        telegram.say(ANN, "/start@other_bot", chat_id=GROUP),
        telegram.say(ANN, "/start@studio_test_bot", chat_id=GROUP),
        telegram.say(ANN, "yes", chat_id=GROUP, reply_to=last(telegram, GROUP)),
    ]
    assert [one.update_id is not None for one in heard] == [False, False, True, True]


def test_an_edited_message_is_another_update(telegram: BotApi) -> None:
    telegram.edit(ANN, telegram.say(ANN, "helo"), "hello")
    assert newest(telegram)["edited_message"]["text"] == "hello"
    assert telegram.messages(ANN)[-1].text == "hello"


def test_an_update_may_come_twice_or_from_nowhere(telegram: BotApi) -> None:
    number = telegram.say(ANN, "once").update_id
    updates(telegram, offset=number + 1)
    telegram.redeliver(number)
    assert [one["update_id"] for one in updates(telegram, offset=number + 1)] == [number]
    assert telegram.inject({"poll": {}}) == number + 1
    assert newest(telegram)["poll"] == {}


def test_a_deep_link_carries_64_plain_characters(telegram: BotApi) -> None:
    assert telegram.start(ANN, "ref_x-1").text == "/start ref_x-1"
    for payload in ("a" * 65, "with space", "ж"):
        with pytest.raises(ValueError, match="no deep link"):
            telegram.start(ANN, payload)


class Site(Stub):
    """What stands at the bot's own address. ``answers`` come first, then all is well."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[Answer] = []

    def answer(self, request: Request) -> Answer:
        return self.said.pop(0) if self.said else Answer(200)

    @property
    def texts(self) -> list[str]:
        return [one.json["message"]["text"] for one in self.asked]


@pytest.fixture
def site(telegram: BotApi) -> Iterator[Site]:
    telegram.updates.retry_seconds = 0.05
    with Site() as stub:
        ask(
            telegram,
            "setWebhook",
            url=f"{stub.url}/hook",
            secret_token="s-1",
            drop_pending_updates=True,
        )
        yield stub
        ask(telegram, "deleteWebhook")


def test_a_webhook_gets_updates_and_the_secret(telegram: BotApi, site: Site) -> None:
    telegram.say(ANN, "hello")
    telegram.wait_for(lambda: site.asked and not telegram.updates.waiting)
    request = site.asked[0]
    assert (request.path, site.texts) == ("/hook", ["hello"])
    assert request.headers["x-telegram-bot-api-secret-token"] == "s-1"


def test_a_failed_delivery_is_repeated_in_order(telegram: BotApi, site: Site) -> None:
    site.said = [Answer(500), Answer(302)]
    telegram.say(ANN, "one"), telegram.say(ANN, "two")
    telegram.wait_for(lambda: not telegram.updates.waiting)
    assert site.texts == ["one", "one", "one", "two"]
    info = ask(telegram, "getWebhookInfo")["result"]
    assert (info["pending_update_count"], info["url"]) == (0, f"{site.url}/hook")
    assert info["last_error_message"].startswith("Wrong response from the webhook: 302")


def test_one_chat_does_not_hold_up_another(telegram: BotApi, site: Site) -> None:
    telegram.updates.retry_seconds = 5
    site.said = [Answer(500)]
    telegram.say(ANN, "stuck")
    telegram.wait_for(lambda: site.asked)
    telegram.say(BOB, "free")
    telegram.wait_for(lambda: "free" in site.texts)
    assert site.texts == ["stuck", "free"]


def test_a_webhook_may_answer_with_a_call(telegram: BotApi, site: Site) -> None:
    site.said = [Answer(200, {"method": "sendMessage", "chat_id": ANN, "text": "at once"})]
    telegram.say(ANN, "hello")
    telegram.wait_for(lambda: telegram.last(ANN))
    assert last(telegram).text == "at once"


def test_polls_and_a_webhook_exclude_each_other(telegram: BotApi, site: Site) -> None:
    answer = ask(telegram, "getUpdates")
    assert (answer["error_code"], answer["description"][:40]) == (
        409, "Conflict: can't use getUpdates method wh"
    )  # fmt: skip
    ask(telegram, "deleteWebhook")
    assert ask(telegram, "getUpdates")["ok"]


@pytest.mark.parametrize(
    ("url", "secret", "why"),
    [
        ("http://x.test/hook", "s", "bad webhook: An HTTPS URL must be provided for webhook"),
        ("https://x.test", "no spaces", "secret token contains unallowed characters"),
        ("https://x.test", "s" * 257, "secret token is too long"),
    ],
)
def test_a_wrong_webhook_is_refused(telegram: BotApi, url: str, secret: str, why: str) -> None:
    answer = ask(telegram, "setWebhook", url=url, secret_token=secret)
    assert answer["description"] == f"Bad Request: {why}"
