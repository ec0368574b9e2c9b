"""Answers to what is typed, over real HTTP: polled for, and as the answer of the webhook."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from telegram import (
    Bot,
    InlineQuery,
    InlineQueryResultArticle,
    InlineQueryResultCachedPhoto,
    InputTextMessageContent,
    Update,
)

from billing import ledger
from telegram_integration import offering, profile, webhooks
from telegram_integration.models import Incoming
from telegram_integration.offering import Offering
from tests.conftest import Obedient
from tests.telegram_integration.chatting import ANN, Talker, delivered
from tests.telegram_integration.fake_botapi.asking import ask, newest
from tests.vendors.botapi import TOKEN, BotApi

BOB = 12
IDEA = InlineQueryResultArticle("idea:", "Short", InputTextMessageContent("Being drawn"))
GONE = InlineQueryResultCachedPhoto("photo:x", "of-another-bot")


@pytest.fixture
def telegram() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


@pytest.fixture
async def bot(telegram: BotApi) -> AsyncIterator[Bot]:
    urls = {"base_url": telegram.base_url, "base_file_url": telegram.base_file_url}
    async with Bot(TOKEN, **urls) as made:
        yield made


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that were looked at, each for a moment."""
    looked: list[str] = []

    async def look(_act: Any, query: InlineQuery) -> dict[str, Any]:
        looked.append(query.query)
        await asyncio.sleep(0.01)
        results = [IDEA, GONE] if query.query == "gone" else [IDEA]
        return {"results": results, "next_offset": "", "button": None}

    monkeypatch.setattr(offering, "in_thread", look)
    return looked


def typed(telegram: BotApi, bot: Bot, words: str, person: int = BOB) -> InlineQuery:
    telegram.inline(person, words)
    return Update.de_json(newest(telegram), bot).inline_query


async def answered(bot: Bot, queries: list[InlineQuery]) -> None:
    serving = Offering(bot)
    serving.take(queries)
    while serving.tasks:
        await asyncio.wait(set(serving.tasks))
    assert serving.newest == {}


async def test_of_what_is_typed_in_a_hurry_only_the_newest_is_answered(
    telegram: BotApi, bot: Bot, offered: list[str]
) -> None:
    queries = [typed(telegram, bot, words) for words in ("a", "a f", "a fox")]
    other = typed(telegram, bot, "a boat", person=13)
    await answered(bot, [*queries, other])
    assert offered == ["a fox", "a boat"]
    assert len(telegram.answer_to(queries[-1].id)["results"]) == 1


async def test_a_query_that_is_too_old_stops_nobody(
    telegram: BotApi, bot: Bot, offered: list[str]
) -> None:
    old = typed(telegram, bot, "old")
    telegram.world.queries[old.id].at -= 11
    serving = Offering(bot)
    serving.take([old])
    await asyncio.sleep(0)
    new = typed(telegram, bot, "new")
    serving.take([new])
    await serving.finish()
    assert (offered[-1], len(telegram.answer_to(new.id)["results"])) == ("new", 1)


async def test_pictures_of_another_bot_do_not_take_the_ideas_away(
    telegram: BotApi, bot: Bot, offered: list[str]
) -> None:
    query = typed(telegram, bot, "gone")
    await answered(bot, [query])
    assert [one["id"] for one in telegram.answer_to(query.id)["results"]] == ["idea:"]


@pytest.mark.parametrize("inline_mode", [True, False])
async def test_the_owner_hears_when_inline_mode_is_switched_off(
    telegram: BotApi, bot: Bot, settings: Any, caplog: pytest.LogCaptureFixture, inline_mode: bool
) -> None:
    settings.TELEGRAM_MODE, telegram.inline_mode = "polling", inline_mode
    await bot.get_me()
    await profile.publish(bot)
    assert ("/setinline" in caplog.text) is not inline_mode


@pytest.mark.django_db
def test_the_webhook_answers_at_once_and_keeps_nothing(
    telegram: BotApi, provider: Obedient, client: Client, settings: Any
) -> None:
    settings.TELEGRAM_MODE, settings.TELEGRAM_BOT_TOKEN = "webhook", TOKEN
    ann = Talker()
    ann.write("/start")
    delivered()
    before, id_ = Incoming.objects.count(), telegram.inline(ANN["id"], "a fox")
    asked = {"id": id_, "from": ANN, "query": "a fox", "offset": ""}
    said = posted(client, {"update_id": 1, "inline_query": asked})
    assert ask(telegram, said.pop("method"), **said)["ok"]
    assert len(telegram.answer_to(id_)["results"]) == 3
    assert Incoming.objects.count() == before
    assert ledger.balance(ann.user.pk).credit == 5


def posted(client: Client, update: dict[str, Any]) -> dict[str, Any]:
    path = reverse("telegram_webhook", args=[webhooks.secret("path")])
    head = {webhooks.HEADER: webhooks.secret("header")}
    answer = client.post(path, json.dumps(update), content_type="application/json", headers=head)
    return answer.json()
