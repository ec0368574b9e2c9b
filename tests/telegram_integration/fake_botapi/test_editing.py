"""Replies, edits and deletions in the fake Bot API."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Bot, InputMediaPhoto, Message
from telegram.error import BadRequest

from tests.pictures import picture_file
from tests.telegram_integration.fake_botapi.asking import ANN, GROUP, PHOTO, Clock, ask, last
from tests.vendors.botapi import BotApi


async def test_a_reply_needs_its_message(telegram: BotApi, bot: Bot) -> None:
    said = telegram.say(ANN, "Question")
    await bot.send_message(ANN, "Answer", reply_to_message_id=said.id)
    assert last(telegram).reply_to == said.id
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        await bot.send_message(ANN, "x", reply_to_message_id=999)
    sent = await bot.send_message(
        ANN, "x", reply_to_message_id=999, allow_sending_without_reply=True
    )
    assert sent.reply_to_message is None


async def test_an_edit_changes_what_is_seen(telegram: BotApi, sent: Message) -> None:
    await sent.edit_text("New", reply_markup=sent.reply_markup)
    assert (last(telegram).text, last(telegram).labels) == ("New", ["Go"])
    await sent.edit_text("Newer")
    assert (last(telegram).text, last(telegram).labels) == ("Newer", [])


async def test_an_edit_that_changes_nothing_is_refused(telegram: BotApi, sent: Message) -> None:
    with pytest.raises(BadRequest, match="Message is not modified"):
        await sent.edit_text("<b></b>Old", parse_mode="HTML", reply_markup=sent.reply_markup)
    with pytest.raises(BadRequest, match="Message is not modified"):
        await sent.edit_reply_markup(sent.reply_markup)
    await sent.edit_text("<b>Old</b>", parse_mode="HTML", reply_markup=sent.reply_markup)
    await sent.edit_reply_markup(None)
    assert last(telegram).buttons == []


@pytest.mark.parametrize(
    ("method", "params", "why"),
    [
        ("editMessageText", {"message_id": 999, "text": "x"}, "message to edit not found"),
        ("editMessageText", {"message_id": 1, "text": "x"}, "message can't be edited"),
        ("editMessageText", {"text": "x"}, "message identifier is not specified"),
        ("editMessageText", {"inline_message_id": "x", "text": "x"}, "MESSAGE_ID_INVALID"),
        ("editMessageText", {"message_id": 2, "text": ""}, "message text is empty"),
        ("editMessageText", {"message_id": 3, "text": "x"},
         "there is no text in the message to edit"),
        ("editMessageCaption", {"message_id": 2, "caption": "x"},
         "there is no caption in the message to edit"),
        ("editMessageText", {"message_id": 2, "text": "x", "reply_markup": {"keyboard": []}},
         "inline keyboard expected"),
        ("editMessageMedia", {"message_id": 2}, "media is not specified"),
        ("deleteMessage", {"message_id": 999}, "message to delete not found"),
        ("deleteMessage", {}, "message identifier is not specified"),
    ],
)  # fmt: skip
async def test_a_wrong_edit_is_refused(
    telegram: BotApi, bot: Bot, method: str, params: dict[str, Any], why: str
) -> None:
    await bot.send_message(ANN, "Second")
    await bot.send_photo(ANN, PHOTO)
    answer = ask(telegram, method, **{"chat_id": ANN, **params})
    assert answer["description"] == f"Bad Request: {why}"


async def test_a_deleted_message_is_gone(telegram: BotApi, sent: Message) -> None:
    await sent.delete()
    assert telegram.last(ANN) is None
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await sent.edit_text("x")


async def test_old_messages_stay(telegram: BotApi, sent: Message, clock: Clock) -> None:
    clock.now += 48 * 3600 + 1
    with pytest.raises(BadRequest, match="Message can't be deleted"):
        await sent.delete()


async def test_others_messages_in_a_group_stay(telegram: BotApi, bot: Bot) -> None:
    said = telegram.say(ANN, "x", chat_id=GROUP)
    with pytest.raises(BadRequest, match="Message can't be deleted"):
        await bot.delete_message(GROUP, said.id)
    telegram.group(GROUP, "Friends", [ANN], bot="administrator")
    assert await bot.delete_message(GROUP, said.id)


async def test_pictures_and_captions_are_edited(telegram: BotApi, bot: Bot) -> None:
    sent, other = await bot.send_photo(ANN, PHOTO, caption="One"), picture_file("red")
    await sent.edit_caption("Two")
    assert (last(telegram).photo, last(telegram).caption) == (PHOTO, "Two")
    await sent.edit_media(InputMediaPhoto(other, caption="Three"))
    assert (last(telegram).photo, last(telegram).caption) == (other, "Three")
    with pytest.raises(BadRequest, match="Message is not modified"):
        await sent.edit_caption("Three")


async def test_a_picture_may_replace_a_text(telegram: BotApi, bot: Bot, sent: Message) -> None:
    await bot.edit_message_media(InputMediaPhoto(PHOTO), ANN, sent.message_id)
    assert (last(telegram).photo, last(telegram).text) == (PHOTO, "")
