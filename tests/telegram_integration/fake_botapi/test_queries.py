"""Pressed buttons and inline mode in the fake Bot API."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Bot, InputMediaPhoto, Message, Update
from telegram.error import BadRequest

from tests.telegram_integration.fake_botapi.asking import (
    ANN,
    BOB,
    PHOTO,
    STRANGER,
    Clock,
    ask,
    keys,
    last,
    newest,
)
from tests.vendors.botapi import BotApi


@pytest.fixture
def pressed(telegram: BotApi, sent: Message) -> str:
    return telegram.press(ANN, last(telegram), "go")


async def test_a_press_is_answered_once(telegram: BotApi, bot: Bot, pressed: str) -> None:
    query = Update.de_json(newest(telegram), bot).callback_query
    assert (query.id, query.data, query.message.text) == (pressed, "go", "Old")
    await query.answer("Done", show_alert=True)
    answer = telegram.answer_to(pressed)
    assert (answer["text"], answer["show_alert"]) == ("Done", True)
    with pytest.raises(BadRequest, match="Query is too old"):
        await query.answer()


async def test_a_press_waits_15_seconds(bot: Bot, pressed: str, clock: Clock) -> None:
    clock.now += 16
    with pytest.raises(BadRequest, match="Query is too old and response timeout expired"):
        await bot.answer_callback_query(pressed)
    with pytest.raises(BadRequest, match="or query id is invalid"):
        await bot.answer_callback_query("77")


@pytest.mark.parametrize(
    ("params", "why"),
    [({"text": "x" * 201}, "MESSAGE_TOO_LONG"), ({"url": "https://x.test"}, "URL_INVALID")],
)
def test_a_wrong_answer_is_refused(
    telegram: BotApi, pressed: str, params: dict[str, str], why: str
) -> None:
    answer = ask(telegram, "answerCallbackQuery", callback_query_id=pressed, **params)
    assert answer["description"] == f"Bad Request: {why}"


async def test_only_visible_buttons_are_pressed(telegram: BotApi, sent: Message) -> None:
    shown = last(telegram)
    with pytest.raises(LookupError):
        telegram.press(ANN, shown, "other")
    await sent.delete()
    telegram.press(ANN, shown, "go")
    assert newest(telegram)["callback_query"]["message"]["date"] == 0


def test_nobody_waits_for_ever(telegram: BotApi, pressed: str) -> None:
    with pytest.raises(TimeoutError, match=r"still waiting after 0.01 s"):
        telegram.answer_to(pressed, 0.01)


def article(number: int, **more: Any) -> dict[str, Any]:
    content = {"input_message_content": {"message_text": f"Cat {number}"}}
    return {"type": "article", "id": str(number), "title": "Cat", **content, **more}


async def test_an_inline_result_is_chosen_and_edited(telegram: BotApi, bot: Bot) -> None:
    query = telegram.inline(BOB, "cat")
    results = [article(1), article(2, reply_markup=keys({"callback_data": "more"}))]
    assert ask(telegram, "answerInlineQuery", inline_query_id=query, results=results)["ok"]
    assert telegram.choose(BOB, "1", query) is None
    number = telegram.choose(BOB, "2", query)
    assert newest(telegram)["chosen_inline_result"]["query"] == "cat"
    assert await bot.edit_message_text("Dog", inline_message_id=number) is True
    assert telegram.inline_message(number).text == "Dog"


async def test_an_inline_text_becomes_a_picture_that_telegram_has(
    telegram: BotApi, bot: Bot
) -> None:
    query = telegram.inline(BOB, "cat")
    results = [article(1, reply_markup=keys({"callback_data": "more"}))]
    ask(telegram, "answerInlineQuery", inline_query_id=query, results=results)
    number = telegram.choose(BOB, "1", query)
    with pytest.raises(BadRequest, match="Invalid message content specified"):
        await bot.edit_message_media(InputMediaPhoto(PHOTO), inline_message_id=number)
    known = (await bot.send_photo(ANN, PHOTO)).photo[-1].file_id
    await bot.edit_message_media(InputMediaPhoto(known), inline_message_id=number)
    shown = telegram.inline_message(number)
    assert (shown.photo, shown.text) == (PHOTO, "")


def test_a_button_of_an_inline_message_can_be_pressed(telegram: BotApi) -> None:
    query, results = (
        telegram.inline(BOB, "cat"),
        [article(1, reply_markup=keys({"callback_data": "x"}))],
    )
    ask(telegram, "answerInlineQuery", inline_query_id=query, results=results)
    number = telegram.choose(BOB, "1", query)
    telegram.press(BOB, number, "x")
    pressed = newest(telegram)["callback_query"]
    assert (pressed["inline_message_id"], "message" in pressed) == (number, False)


@pytest.mark.parametrize(
    ("results", "why"),
    [
        ([article(n) for n in range(51)], "too many inline query results specified"),
        ([article(1), article(1)], "RESULT_ID_DUPLICATE"),
        ([article(1, id="x" * 65)], "RESULT_ID_INVALID"),
        ([article(1, title="")], 'can\'t parse inline query result: Can\'t find field "title"'),
        ([article(1, input_message_content=None)], "input message content is not specified"),
        ([article(1, reply_markup=keys({"web_app": {"url": "https://x.test"}}))],
         "BUTTON_TYPE_INVALID"),
        ([{"type": "photo", "id": "1", "photo_url": "https://x.test/1.jpg"}],
         "PHOTO_THUMB_URL_EMPTY"),
        ([{"type": "photo", "id": "1", "photo_file_id": "x"}],
         "wrong file identifier/HTTP URL specified"),
    ],
)  # fmt: skip
def test_wrong_inline_results_are_refused(telegram: BotApi, results: list[Any], why: str) -> None:
    query = telegram.inline(ANN, "cat")
    answer = ask(telegram, "answerInlineQuery", inline_query_id=query, results=results)
    assert answer["description"] == f"Bad Request: {why}"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"next_offset": "x" * 65}, "NEXT_OFFSET_INVALID"),
        ({"button": {"text": "Start", "start_parameter": "a b"}}, "START_PARAM_INVALID"),
        ({"button": {"text": "Start"}}, "must have exactly one optional field"),
        ({"inline_query_id": "77"}, "query is too old and response timeout expired or query ID is"),
    ],
)
def test_a_wrong_inline_answer_is_refused(telegram: BotApi, more: dict[str, Any], why: str) -> None:
    params = {"inline_query_id": telegram.inline(ANN, "cat"), "results": [], **more}
    answer = ask(telegram, "answerInlineQuery", **params)
    assert why in answer["description"]


def test_an_inline_query_waits_10_seconds_and_has_256_characters(
    telegram: BotApi, clock: Clock
) -> None:
    query = telegram.inline(ANN, "cat")
    clock.now += 11
    assert not ask(telegram, "answerInlineQuery", inline_query_id=query, results=[])["ok"]
    with pytest.raises(ValueError, match="256"):
        telegram.inline(ANN, "x" * 257)


async def test_a_prepared_result_needs_a_person(telegram: BotApi, bot: Bot) -> None:
    sent = await bot.send_photo(ANN, PHOTO)
    result = {"type": "photo", "id": "1", "photo_file_id": sent.photo[-1].file_id}
    made = ask(
        telegram, "savePreparedInlineMessage", user_id=ANN, result=result, allow_user_chats=True
    )
    assert telegram.world.queries[made["result"]["id"]].asked["content"]["photo"]
    refused = ask(telegram, "savePreparedInlineMessage", user_id=STRANGER, result=result)
    assert refused["description"] == "Bad Request: user not found"
