"""Inline mode through real processes: type, choose, and the message turns into the picture."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Studio, running
from tests.e2e.test_bot import WAIT_SECONDS, Phone, ask, credits, stored
from tests.vendors.botapi import TOKEN, BotApi

ANN, BOB = 6001, 6002


@pytest.fixture(scope="module")
def telegram() -> Iterator[BotApi]:
    with BotApi(enforce_pace=True) as api:
        yield api


@pytest.fixture(scope="module")
def bot(telegram: BotApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    settings = {
        "TELEGRAM_BOT_TOKEN": TOKEN, "BOT_API_URL": telegram.url, "TELEGRAM_MODE": "polling",
        "TELEGRAM_BOT_NAME": "studio_test_bot",
    }  # fmt: skip
    with running(tmp_path_factory.mktemp("inline"), **settings) as studio:
        yield studio
    assert telegram.offences == []


def offered(telegram: BotApi, query: str, kind: str) -> list[str]:
    """The ids of what is offered of this kind."""
    results = telegram.answer_to(query, WAIT_SECONDS)["results"]
    return [one["id"] for one in results if one["type"] == kind]


def test_an_idea_is_chosen_in_a_friends_chat_and_becomes_the_picture(
    bot: Studio, telegram: BotApi
) -> None:
    telegram.person(ANN, first_name="Ann", language_code="en")
    telegram.start(ANN)
    Phone(telegram, ANN).read("Hello, Ann.")
    query = telegram.inline(ANN, "a quiet lake")
    ideas = offered(telegram, query, "article")
    assert (len(ideas), credits(bot, ANN)) == (3, 5)
    place = telegram.choose(ANN, ideas[1], query)
    assert "is being drawn" in telegram.inline_message(place).text
    there = telegram.wait_for(lambda: _picture_in(telegram, place), WAIT_SECONDS)
    assert there == stored(bot, "job__tool='imagine'") == Phone(telegram, ANN).picture().photo
    shown = telegram.inline_message(place)
    assert (shown.text, shown.caption.startswith("“a quiet lake, ")) == ("", True)
    assert (shown.labels, credits(bot, ANN)) == (["Make one too"], 4)
    assert ask(bot, "Incoming.objects.filter(data__has_key='inline_query').count()") == 0
    share_it_for_nothing(bot, telegram)


def _picture_in(telegram: BotApi, place: str) -> bytes | None:
    return telegram.inline_message(place).photo


def share_it_for_nothing(bot: Studio, telegram: BotApi) -> None:
    query = telegram.inline(ANN, "lake")
    (mine,) = offered(telegram, query, "photo")
    telegram.choose(ANN, mine, query)
    assert offered(telegram, telegram.inline(ANN, "a fox"), "photo") == []
    assert (credits(bot, ANN), ask(bot, "Job.objects.count()")) == (4, 1)


def test_who_does_not_know_the_bot_is_led_to_it(bot: Studio, telegram: BotApi) -> None:
    answer = telegram.answer_to(telegram.inline(BOB, "a fox"), WAIT_SECONDS)
    assert answer["results"] == []
    telegram.start(BOB, json.loads(answer["button"])["start_parameter"])
    Phone(telegram, BOB).read("Hello")
    assert len(offered(telegram, telegram.inline(BOB, "a fox"), "article")) == 3
