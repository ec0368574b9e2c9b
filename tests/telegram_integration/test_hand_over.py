"""Pictures of the pages, handed over to Telegram: to the chat, to friends, to a story."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone

from generation import studio, worker
from generation.models import Photo
from telegram_integration import door, hand_over, outbox, parcels
from telegram_integration.models import OutgoingMessage, User
from tests.conftest import Obedient
from tests.pictures import picture_file
from tests.telegram_integration.chatting import ANN, Talker
from tests.vendors.botapi import SILENT, TOKEN, BotApi

pytestmark = pytest.mark.django_db
SENT_AS = "file-in-telegram"


@pytest.fixture(autouse=True)
def _bot(settings: Any) -> None:
    settings.TELEGRAM_BOT_NAME, settings.TELEGRAM_MODE = "studio_bot", "polling"


@pytest.fixture
def ann() -> User:
    """Somebody who has written to the bot."""
    ann = Talker()
    ann.write("/start")
    OutgoingMessage.objects.all().delete()
    return ann.user


@pytest.fixture
def client(ann: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(ann)


@pytest.fixture
def fox(ann: User, provider: Obedient) -> Photo:
    job = studio.imagine(ann.pk, prompt="a fox")
    worker.work()
    return job.results.get()


@pytest.fixture
def telegram(settings: Any) -> Iterator[BotApi]:
    with BotApi() as api:
        settings.TELEGRAM_BOT_TOKEN, settings.BOT_API_URL = TOKEN, api.url
        api.start(ANN["id"])
        yield api


def post(client: Client, photo: Photo, act: str, key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"/api/v1/photos/{photo.code}/{act}/", headers=headers)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def page(client: Client, photo: Photo) -> str:
    return client.get(f"/pictures/{photo.code}/").content.decode()


def delivered(photo: Photo, file_id: str = SENT_AS) -> None:
    row = OutgoingMessage.objects.get(photo=photo)
    outbox.sent(row.edits, 7)
    outbox.sent(row, 7, file_id)


def test_a_picture_goes_to_the_chat_with_its_buttons(client: Client, fox: Photo) -> None:
    assert post(client, fox, "send").status_code == 204
    picture, message = OutgoingMessage.objects.all()
    assert (message.chat_id, message.method) == (ANN["id"], "sendMessage")
    assert (picture.method, picture.edits, picture.photo) == ("editMessageMedia", message, fox)
    first = picture.body["reply_markup"]["inline_keyboard"][0][0]
    assert first["text"] == "Again"


def test_a_photo_that_was_sent_in_asks_what_to_do_with_it(
    client: Client, ann: User, photo_of: Callable[..., Photo]
) -> None:
    photo = photo_of(ann)
    assert post(client, photo, "send").status_code == 204
    rows = OutgoingMessage.objects.get(photo=photo).body["reply_markup"]["inline_keyboard"]
    assert rows[0][0]["text"] == "Try something on"


def test_one_key_sends_once_and_another_once_more(client: Client, fox: Photo) -> None:
    for key in ("one", "one", "other", "o" * 120):
        assert post(client, fox, "send", key).status_code == 204
    assert OutgoingMessage.objects.filter(photo=fox).count() == 3


def test_who_cannot_be_written_to_is_told_so_and_sees_no_button(
    client: Client, ann: User, fox: Photo, settings: Any
) -> None:
    assert "data-hand-over" in page(client, fox)
    User.objects.filter(pk=ann.pk).update(blocked_at=timezone.now())
    assert code(post(client, fox, "send")) == (409, "chat_closed")
    assert "data-hand-over" not in page(client, fox)
    User.objects.filter(pk=ann.pk).update(blocked_at=None)
    settings.TELEGRAM_MODE = "off"
    assert code(post(client, fox, "send")) == (409, "chat_closed")
    assert not OutgoingMessage.objects.exists()


@pytest.mark.parametrize("act", ["send", "share", "story"])
def test_a_strangers_picture_is_not_there(
    client: Client, stranger: User, photo_of: Callable[..., Photo], act: str, settings: Any
) -> None:
    settings.HTTPS = True
    assert code(post(client, photo_of(stranger), act)) == (404, "photo_unknown")
    assert post(Client(), photo_of(stranger), act).status_code == 401


def test_delivery_keeps_what_telegram_calls_the_picture(client: Client, fox: Photo) -> None:
    post(client, fox, "send")
    picture, message = OutgoingMessage.objects.all()
    sizes = [SimpleNamespace(file_id="small"), SimpleNamespace(file_id="large")]
    answer = SimpleNamespace(message_id=7, photo=sizes)
    assert parcels.file_id(picture, answer) == "large"
    assert parcels.file_id(message, answer) == ""
    assert parcels.file_id(picture, True) == ""


def test_a_picture_is_shared_after_it_was_in_the_chat(
    client: Client, fox: Photo, telegram: BotApi
) -> None:
    assert code(post(client, fox, "share")) == (409, "not_in_chat")
    post(client, fox, "send")
    assert code(post(client, fox, "share")) == (409, "on_its_way")
    assert 'data-sent=""' in page(client, fox)
    delivered(fox, uploaded())
    assert 'data-sent="yes"' in page(client, fox)
    answer = post(client, fox, "share")
    assert answer.status_code == 200
    assert answer.json()["id"]
    assert telegram.sent[-1].method == "savePreparedInlineMessage"


@async_to_sync
async def uploaded() -> str:
    async with door.make() as bot:
        message = await bot.send_photo(ANN["id"], picture_file())
    return message.photo[-1].file_id


def test_a_picture_that_telegram_does_not_know_is_sent_again_first(
    client: Client, fox: Photo, telegram: BotApi
) -> None:
    post(client, fox, "send")
    delivered(fox, "of another bot")
    assert code(post(client, fox, "share")) == (409, "not_in_chat")


def test_a_silent_telegram_is_not_waited_for(
    client: Client, fox: Photo, telegram: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(client, fox, "send")
    delivered(fox, uploaded())
    monkeypatch.setattr(hand_over, "SHARE_SECONDS", 0.2)
    telegram.script("savePreparedInlineMessage", SILENT)
    assert code(post(client, fox, "share")) == (503, "telegram_silent")


def test_a_story_has_a_link_of_ten_minutes_that_needs_no_cookie(
    client: Client, fox: Photo, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HTTPS, settings.SITE_URL = True, "https://studio.example"
    url = post(client, fox, "story").json()["url"]
    assert url.startswith(f"https://studio.example/stories/{fox.code}/")
    path = url.removeprefix("https://studio.example")
    answer = Client().get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, fox.mime)
    assert Client().get(path + "x").status_code == 404
    now = hand_over.time.time()
    monkeypatch.setattr(hand_over.time, "time", lambda: now + 601)
    assert Client().get(path).status_code == 404


def test_links_of_pages_and_of_stories_are_not_for_each_other(
    client: Client, fox: Photo, settings: Any
) -> None:
    from generation import photos

    settings.HTTPS = True
    *_rest, expires, token = photos.link(fox).split("/")
    assert Client().get(f"/stories/{fox.code}/{expires}/{token}").status_code == 404


def test_a_deleted_picture_is_in_no_story(client: Client, fox: Photo, settings: Any) -> None:
    settings.HTTPS, settings.SITE_URL = True, "https://studio.example"
    path = post(client, fox, "story").json()["url"].removeprefix("https://studio.example")
    Photo.objects.filter(pk=fox.pk).update(deleted_at=timezone.now())
    assert Client().get(path).status_code == 404


def test_without_https_there_are_no_stories(client: Client, fox: Photo, settings: Any) -> None:
    settings.HTTPS = False
    assert code(post(client, fox, "story")) == (409, "no_stories")
    assert "data-story" not in page(client, fox)
    settings.HTTPS = True
    assert "data-story" in page(client, fox)
