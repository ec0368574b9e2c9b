"""Pictures, documents and albums, to and from the fake Bot API."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from telegram import Bot, InputMediaDocument, InputMediaPhoto, Update
from telegram.error import BadRequest, NetworkError

from tests.pictures import picture_file
from tests.telegram_integration.fake_botapi.asking import ANN, PHOTO, Clock, ask, last, newest
from tests.vendors.botapi import TOKEN, BotApi


async def test_a_person_s_picture_can_be_fetched(telegram: BotApi, bot: Bot) -> None:
    big = picture_file(size=(3000, 1500))
    telegram.send_photo(ANN, big, caption="Me /edit")
    message = Update.de_json(newest(telegram), bot).message
    assert [(size.width, size.height) for size in message.photo][::3] == [(90, 45), (1280, 640)]
    assert [one.type for one in message.caption_entities] == ["bot_command"]
    file = await message.photo[-1].get_file()
    assert (await file.download_as_bytearray())[:2] == b"\xff\xd8"
    assert file.file_path.startswith(telegram.base_file_url)


async def test_a_document_comes_back_as_it_is(telegram: BotApi, bot: Bot) -> None:
    telegram.send_document(ANN, b"raw", name="me.png")
    document = Update.de_json(newest(telegram), bot).message.document
    assert (document.file_name, document.mime_type, document.file_size) == (
        "me.png",
        "image/png",
        3,
    )
    assert bytes(await (await document.get_file()).download_as_bytearray()) == b"raw"


def test_a_link_is_good_with_either_colon_and_for_an_hour(telegram: BotApi, clock: Clock) -> None:
    sent = telegram.send_photo(ANN, PHOTO)
    path = ask(telegram, "getFile", file_id=sent.raw["photo"][-1]["file_id"])["result"]["file_path"]
    plain, coded = (
        f"{telegram.base_file_url}{token}/{path}" for token in (TOKEN, TOKEN.replace(":", "%3A"))
    )
    assert httpx2.get(plain).content == httpx2.get(coded).content == PHOTO
    assert httpx2.get(plain.replace("TEST", "other")).status_code == 404
    clock.now += 3601
    assert httpx2.get(plain).status_code == 404


def test_what_is_no_file_cannot_be_fetched(telegram: BotApi) -> None:
    assert ask(telegram, "getFile", file_id="x")["description"] == "Bad Request: invalid file_id"
    sent = telegram.send_document(ANN, bytes(20 * 1024 * 1024 + 1))
    big = ask(telegram, "getFile", file_id=sent.raw["document"]["file_id"])
    assert big["description"] == "Bad Request: file is too big"


async def test_a_known_file_is_sent_by_its_id(telegram: BotApi, bot: Bot) -> None:
    sent = await bot.send_photo(ANN, PHOTO)
    await bot.send_photo(ANN, sent.photo[0].file_id)
    assert [one.photo for one in telegram.messages(ANN)[-2:]] == [PHOTO, PHOTO]
    with pytest.raises(BadRequest, match="Type of file mismatch"):
        await bot.send_document(ANN, sent.photo[0].file_id)


@pytest.mark.parametrize(
    ("photo", "why"),
    [
        ("unknown", "Wrong file identifier/http url specified"),
        ("https://x.test/none.jpg", "Failed to get http url content"),
        (b"no picture", "Image_process_failed"),
        (b"", "File must be non-empty"),
        (picture_file(size=(2100, 100)), "Photo_invalid_dimensions"),
        (picture_file() + bytes(10 << 20), "too big for a photo"),
    ],
)
async def test_what_cannot_be_a_picture_is_refused(bot: Bot, photo: Any, why: str) -> None:
    with pytest.raises(BadRequest, match=f"(?i){why}"):
        await bot.send_photo(ANN, photo)


async def test_a_picture_from_the_web_is_fetched(telegram: BotApi, bot: Bot) -> None:
    telegram.world.files.web["https://x.test/one.jpg"] = PHOTO
    await bot.send_photo(ANN, "https://x.test/one.jpg")
    assert last(telegram).photo == PHOTO


async def test_a_document_has_its_name(telegram: BotApi, bot: Bot) -> None:
    await bot.send_document(ANN, b"x", filename='mé "1".png', caption="<i>c</i>", parse_mode="HTML")
    shown = last(telegram)
    assert (shown.document, shown.file_name, shown.caption) == (b"x", 'mé "1".png', "c")


async def test_an_upload_ends_at_50_megabytes(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.vendors.botapi.files.UPLOAD_BYTES", 3)
    await bot.send_document(ANN, b"abc")
    with pytest.raises(NetworkError, match="Request Entity Too Large"):
        await bot.send_document(ANN, b"abcd")


def test_a_photo_needs_a_photo(telegram: BotApi) -> None:
    answer = ask(telegram, "sendPhoto", chat_id=ANN)
    assert answer["description"] == "Bad Request: there is no photo in the request"


async def test_an_album_is_several_messages(telegram: BotApi, bot: Bot) -> None:
    album = [
        InputMediaPhoto(PHOTO, caption="<b>One</b>", parse_mode="HTML"),
        InputMediaPhoto(PHOTO),
    ]
    sent = await bot.send_media_group(ANN, album)
    assert len({one.media_group_id for one in sent}) == 1
    assert [(one.photo, one.caption) for one in telegram.messages(ANN)[-2:]] == [
        (PHOTO, "One"), (PHOTO, "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "album",
    [
        [InputMediaPhoto(PHOTO)],
        [InputMediaPhoto(PHOTO)] * 11,
        [InputMediaPhoto(PHOTO), InputMediaDocument(b"x")],
    ],
)
async def test_an_album_has_2_to_10_of_a_kind(telegram: BotApi, bot: Bot, album: list[Any]) -> None:
    with pytest.raises(BadRequest):
        await bot.send_media_group(ANN, album)
    assert telegram.last(ANN) is None


def test_a_chat_action_must_be_known(telegram: BotApi) -> None:
    assert ask(telegram, "sendChatAction", chat_id=ANN, action="typing")["ok"]
    answer = ask(telegram, "sendChatAction", chat_id=ANN, action="dancing")
    assert answer["description"] == "Bad Request: wrong parameter action in request"
