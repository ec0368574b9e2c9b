"""The pace that the fake Bot API allows, and what it does to who goes faster."""

from __future__ import annotations

import pytest

from tests.telegram_integration.fake_botapi.asking import ANN, GROUP, PHOTO, Clock, ask, burst, last
from tests.vendors.botapi import BotApi


@pytest.fixture
def paced(telegram: BotApi) -> BotApi:
    telegram.enforce_pace = True
    return telegram


def test_a_chat_takes_three_at_once_and_one_a_second(paced: BotApi, clock: Clock) -> None:
    assert burst(paced, ANN, 4) == [0, 0, 0, 1]
    clock.now += 1
    assert burst(paced, ANN, 2) == [0, 1]


def test_writing_on_in_a_pause_is_an_offence(paced: BotApi, clock: Clock) -> None:
    burst(paced, ANN, 4)
    assert paced.offences == []
    assert burst(paced, ANN, 1) == [1]
    assert [(one.method, one.chat_id) for one in paced.offences] == [("sendMessage", ANN)]
    clock.now += 1
    assert burst(paced, ANN, 1) == [0]
    assert len(paced.offences) == 1


def test_a_group_takes_20_a_minute(paced: BotApi, clock: Clock) -> None:
    assert burst(paced, GROUP, 21) == [0] * 20 + [60]
    assert burst(paced, ANN, 1) == [0]
    clock.now += 60
    assert burst(paced, GROUP, 1) == [0]


def test_all_chats_take_30_a_second_and_3_more(paced: BotApi, clock: Clock) -> None:
    for number in range(100, 134):
        paced.person(number, started=True)
    answers = [burst(paced, number, 1)[0] for number in range(100, 134)]
    assert answers == [0] * 33 + [1]
    assert burst(paced, ANN, 1) == [1]
    clock.now += 1
    assert burst(paced, ANN, 1) == [0]


def test_edits_and_pictures_of_albums_count(paced: BotApi, clock: Clock) -> None:
    assert burst(paced, ANN, 1) == [0]
    for text in "ab":
        ask(paced, "editMessageText", chat_id=ANN, message_id=last(paced).id, text=text)
    assert burst(paced, ANN, 1) == [1]
    clock.now += 10
    photo = paced.send_photo(ANN, PHOTO).raw["photo"][-1]["file_id"]
    album = [{"type": "photo", "media": photo}] * 5
    assert ask(paced, "sendMediaGroup", chat_id=ANN, media=album)["ok"]
    assert burst(paced, ANN, 1) == [3]


def test_answers_actions_and_refusals_do_not_count(paced: BotApi) -> None:
    for _ in range(4):
        ask(paced, "sendChatAction", chat_id=ANN, action="typing")
        ask(paced, "sendMessage", chat_id=ANN, text="")
    assert burst(paced, ANN, 3) == [0, 0, 0]


def test_without_enforcement_nobody_waits(telegram: BotApi) -> None:
    assert burst(telegram, ANN, 6) == [0] * 6
    assert telegram.offences == []


def test_the_rate_is_told(telegram: BotApi, clock: Clock) -> None:
    burst(telegram, ANN, 3)
    clock.now += 2.5
    burst(telegram, ANN, 2)
    assert (telegram.rate(), telegram.busiest(), telegram.busiest(3)) == ([3, 0, 2], 3, 5)
