"""What becomes of messages when Telegram refuses, stumbles, falls silent, or the bot dies."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta as td
from typing import Any

import pytest
from django.utils import timezone
from telegram.error import InvalidToken

from billing import payments
from billing.models import Product
from generation import photos
from generation.models import Photo
from telegram_integration import outbox, people, refusals, saying
from telegram_integration.models import OutgoingMessage, User
from telegram_integration.pace import Pace
from tests.conftest import make_person
from tests.pictures import picture_file
from tests.telegram_integration.delivering import (
    ANN,
    BOB,
    CARL,
    FRIENDS,
    Here,
    Post,
    at_hand,
    pictures,
    say,
    seen,
    state,
)
from tests.vendors import botapi
from tests.vendors.botapi import BotApi
from tests.vendors.botapi.pace import EVERYWHERE
from tests.vendors.stub import Answer

pytestmark = pytest.mark.django_db
UNSURE = {
    "lost": botapi.LOST, "silent": botapi.SILENT, "reset": botapi.RESET, "hang": botapi.HANG,
    "page": botapi.HTML, "error 500": botapi.TROUBLE,
}  # fmt: skip
ARRIVED = ("lost", "silent")
PAGE_OF_403 = Answer(403, b"<html>no</html>", {"Content-Type": "text/html"})


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Here:
    monkeypatch.setattr(refusals, "backoff", lambda row: 0.1)
    return at_hand(monkeypatch)


@pytest.fixture
def telegram() -> Iterator[BotApi]:
    with BotApi() as api:
        for person in (ANN, BOB, CARL):
            api.start(person)
        api.group(FRIENDS, "Friends", [ANN, BOB])
        yield api


@pytest.fixture
def post(telegram: BotApi, here: Here) -> Iterator[Post]:
    with Post(telegram, here) as made:
        yield made


@pytest.fixture
def ann() -> User:
    now = timezone.now()
    return make_person("ann", telegram_id=ANN, chat_since=now, wrote_at=now)


@pytest.fixture
def photo(ann: User) -> Photo:
    return photos.ingest(ann.pk, picture_file())


def picture(photo: Photo, key: str = "picture") -> OutgoingMessage:
    return saying.turn_into(say("…"), photo, "Here", key=key, keyboard=[])


# ── told to wait ──────────────────────────────────────────────────────────────────────────────


def test_a_pause_is_for_that_chat_alone_and_is_kept(telegram: BotApi, post: Post) -> None:
    telegram.script("sendMessage", botapi.too_many(1))
    say("one")
    post.until(lambda: telegram.refused)
    say("two")
    say("other", BOB)
    post.until(lambda: seen(telegram, BOB))
    assert seen(telegram) == []
    post.quiet()
    assert (seen(telegram), telegram.offences) == (["one", "two"], [])


def test_a_pause_is_kept_by_a_bot_that_was_started_again(telegram: BotApi, post: Post) -> None:
    telegram.script("sendMessage", botapi.too_many(1))
    say("one")
    post.until(lambda: OutgoingMessage.objects.exclude(trouble="").exists())
    post.kill()
    say("two")
    post.begin()
    post.quiet()
    assert (seen(telegram), telegram.offences) == (["one", "two"], [])


def test_when_all_are_told_to_wait_all_do(telegram: BotApi, post: Post) -> None:
    crowd = range(100, 130)
    for who in crowd:
        telegram.person(who, started=True)
    telegram.enforce_pace = True
    telegram.pace.pause(EVERYWHERE, 2)
    for who in crowd:
        say("hello", who)
    post.quiet()
    assert all(seen(telegram, who) == ["hello"] for who in crowd)
    assert len(telegram.offences) <= 6  # the first three, and what was under way already


def test_one_chat_with_much_to_say_keeps_nobody_waiting(telegram: BotApi, post: Post) -> None:
    for number in range(2 * outbox.QUICK_AT_ONCE):
        say(str(number), FRIENDS)
    say("hello", BOB)
    post.until(lambda: seen(telegram, BOB))


# ── nobody knows ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("trouble", UNSURE)
def test_a_text_of_which_nobody_knows_comes_once_more_at_most(
    telegram: BotApi, post: Post, trouble: str
) -> None:
    telegram.script("sendMessage", UNSURE[trouble])
    message = say("hello")
    post.quiet()
    assert state(message) == "sent"
    assert seen(telegram) == ["hello"] * (2 if trouble in ARRIVED else 1)


def test_a_text_is_not_sent_a_third_time(telegram: BotApi, post: Post) -> None:
    telegram.script("sendMessage", botapi.LOST, times=2)
    message = say("hello")
    post.quiet()
    assert (seen(telegram), state(message)) == (["hello"] * 2, "failed")


def test_what_may_have_arrived_waits_until_telegram_answers_again(
    telegram: BotApi, post: Post
) -> None:
    telegram.script("sendMessage", botapi.TROUBLE)
    telegram.script("sendChatAction", botapi.TROUBLE, times=3)
    say("one")
    post.until(lambda: telegram.refused)
    say("two")
    post.quiet()
    assert seen(telegram) == ["one", "two"]


def test_what_could_not_be_sent_is_no_doubt(
    telegram: BotApi, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, post.bot._request[1]._client = post.bot._request[1]._client, _Nowhere()
    message = say("hello")
    post.until(lambda: post.bot._request[1]._client.asked >= 4)
    post.bot._request[1]._client = here
    post.quiet()
    assert (state(message), message.tries, seen(telegram)) == ("sent", 1, ["hello"])


@pytest.mark.parametrize("trouble", UNSURE)
def test_a_picture_comes_once_whatever_happens(
    telegram: BotApi, post: Post, photo: Photo, trouble: str
) -> None:
    telegram.script("editMessageMedia", UNSURE[trouble], times=2)
    picture(photo)
    post.quiet()
    assert pictures(telegram) == [photos.read(photo)]


def test_a_picture_whose_message_was_lost_gets_another(
    telegram: BotApi, post: Post, photo: Photo
) -> None:
    telegram.script("sendMessage", botapi.RESET, times=2)
    picture(photo)
    post.quiet()
    assert pictures(telegram) == [photos.read(photo)]


# ── the bot dies ──────────────────────────────────────────────────────────────────────────────


def test_a_bot_that_dies_while_it_sends_sends_once_more_at_most(
    telegram: BotApi, post: Post
) -> None:
    telegram.script("sendMessage", botapi.SILENT, times=3)
    message = say("hello")
    for times in (1, 2):
        post.until(lambda times=times: len(seen(telegram)) == times)
        post.kill()
        post.begin()
    post.quiet()
    assert (seen(telegram), state(message)) == (["hello"] * 2, "failed")


def test_a_bot_that_dies_while_it_shows_a_picture_shows_it_once(
    telegram: BotApi, post: Post, photo: Photo
) -> None:
    telegram.script("editMessageMedia", botapi.SILENT, times=3)
    change = picture(photo)
    for times in (1, 2, 3):
        post.until(lambda times=times: len(telegram.calls_to("editMessageMedia")) == times)
        post.kill()
        post.begin()
    post.quiet()
    assert state(change) == "sent"
    assert pictures(telegram) == [photos.read(photo)]


# ── refused ───────────────────────────────────────────────────────────────────────────────────


def test_who_blocked_the_bot_is_left_alone_until_they_write(
    telegram: BotApi, post: Post, ann: User
) -> None:
    telegram.block(ANN)
    later = say("later", due_at=timezone.now() + td(hours=1))
    first = say("one")
    post.until(lambda: state(first) == "failed")
    ann.refresh_from_db()
    assert ann.blocked_at
    assert state(later) == "dropped"
    telegram.unblock(ANN)
    people._note_chat(ann, _written())
    say("back")
    post.until(lambda: seen(telegram) == ["back"])
    ann.refresh_from_db()
    assert ann.blocked_at is None


def test_a_page_in_place_of_a_refusal_blocks_nobody(
    telegram: BotApi, post: Post, ann: User
) -> None:
    telegram.script("sendMessage", PAGE_OF_403)
    say("hello")
    post.quiet()
    ann.refresh_from_db()
    assert (ann.blocked_at, seen(telegram)) == (None, ["hello"])


def test_what_is_refused_for_good_is_noted_without_secrets_and_holds_nobody_up(
    telegram: BotApi, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bad, good = say("x", keyboard=[[{"text": "", "callback_data": "x"}]]), say("good")
    post.quiet()
    assert (state(bad), state(good)) == ("failed", "sent")
    assert "text must be non-empty" in bad.trouble.lower() or bad.trouble
    assert "was refused" in caplog.text
    assert botapi.TOKEN not in caplog.text


def test_a_page_that_tells_the_address_is_not_logged(
    telegram: BotApi, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    page = f"<p>/bot{botapi.TOKEN}/sendMessage was not found".encode()
    for number in (200, 400, 404, 502):
        telegram.script("editMessageText", Answer(number, page))
    saying.change(say("old"), "new", key="change")
    post.quiet()
    assert seen(telegram) == ["new"]
    assert botapi.TOKEN not in caplog.text


def test_who_is_not_there_is_not_written_to_again(telegram: BotApi, post: Post) -> None:
    stranger = make_person("eve", telegram_id=99, chat_since=timezone.now())
    message = say("hello", 99)
    post.until(lambda: state(message) == "failed")
    stranger.refresh_from_db()
    assert stranger.blocked_at


def test_a_change_that_was_made_already_is_a_success(telegram: BotApi, post: Post) -> None:
    message = say("same")
    change = saying.change(message, "same", key="change")
    post.quiet()
    assert (state(change), seen(telegram)) == ("sent", ["same"])


def test_a_message_that_is_gone_is_sent_anew_once(
    telegram: BotApi, post: Post, photo: Photo
) -> None:
    message = say("…")
    post.quiet()
    telegram.world.said[ANN].clear()
    saying.turn_into(message, photo, "Here", key="picture", keyboard=[])
    saying.new_buttons(message, key="buttons", keyboard=[])
    post.quiet()
    assert pictures(telegram) == [photos.read(photo)]


def test_new_buttons_for_a_message_that_is_gone_are_forgotten(telegram: BotApi, post: Post) -> None:
    message = say("hello")
    post.quiet()
    telegram.world.said[ANN].clear()
    saying.new_buttons(message, key="buttons", keyboard=[[{"text": "a", "callback_data": "b"}]])
    away = saying.take_away(message, key="away")
    post.quiet()
    assert (seen(telegram), state(away)) == ([], "sent")


def test_what_is_too_old_to_be_deleted_loses_its_buttons(telegram: BotApi, post: Post) -> None:
    message = say("old", keyboard=[[{"text": "a", "callback_data": "b"}]])
    post.quiet()
    telegram.script("deleteMessage", botapi.error(400, "message can't be deleted for everyone"))
    saying.take_away(message, key="away")
    post.quiet()
    (left,) = [one for one in telegram.messages(ANN) if one.by_bot]
    assert (left.text, left.labels) == ("old", [])


def test_a_group_that_became_a_supergroup_is_followed(telegram: BotApi, post: Post) -> None:
    telegram.group(-77, "Club", [ANN])
    say("before", -77)
    post.quiet()
    telegram.migrate(-77, -1077)
    say("one", -77)
    say("two", -77)
    post.quiet()
    assert seen(telegram, -1077) == ["one", "two"]


def test_a_token_that_was_revoked_ends_it_politely(telegram: BotApi, post: Post) -> None:
    telegram.token = "another"
    message = say("hello")
    post.until(post.running.done)
    post.until(lambda: not post.delivery.under_way)
    assert isinstance(post.running.exception(), InvalidToken)
    assert (state(message), message.tries) == ("waiting", 0)


# ── pictures that are odd ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [(2048, 40), (300, 300)])
def test_what_telegram_shows_as_no_photo_comes_as_a_file(
    telegram: BotApi, post: Post, ann: User, size: tuple[int, int]
) -> None:
    photo = photos.ingest(ann.pk, picture_file("teal", size))
    picture(photo)
    post.quiet()
    (shown,) = [one for one in telegram.messages(ANN) if one.by_bot]
    assert (shown.photo or shown.document) == photos.read(photo)
    assert bool(shown.photo) == (size == (300, 300))


def test_a_picture_that_was_deleted_meanwhile_is_not_shown(
    telegram: BotApi, post: Post, photo: Photo
) -> None:
    change, file = picture(photo), saying.file(ANN, photo, key="file")
    photos.forget(photo)
    post.quiet()
    assert [one for one in telegram.messages(ANN) if one.by_bot] == []
    assert (state(change), state(file)) == ("sent", "sent")


def _written() -> Any:
    from types import SimpleNamespace

    return SimpleNamespace(effective_chat=SimpleNamespace(type="private"), my_chat_member=None)


class _Nowhere:
    """A line that cannot be opened."""

    is_closed = False
    asked = 0

    @property
    def timeout(self) -> Any:
        import httpx

        return httpx.Timeout(1)

    def request(self, **_asked: Any) -> Any:
        import httpx

        self.asked += 1
        raise httpx.ConnectError("nobody there")


def test_an_invoice_of_which_nobody_knows_is_offered_and_not_sent_twice(
    telegram: BotApi, post: Post, ann: User, settings: Any
) -> None:
    settings.TELEGRAM_BOT_TOKEN = botapi.TOKEN
    Product.objects.filter(code="pack-100").update(stars=150)
    payment = payments.invoice(ann.pk, "pack-100", key="invoice")
    telegram.script("sendInvoice", botapi.LOST)
    invoice = saying.invoice(ANN, payment, key="invoice")
    post.quiet()
    there, offer = [one for one in telegram.messages(ANN) if one.by_bot]
    assert (state(invoice), "invoice" in there.raw) == ("failed", True)
    assert offer.labels == ["Show the invoice"]
    assert offer.buttons[0][0]["callback_data"] == "1:pay:pack-100"


def test_a_new_process_knows_what_the_last_one_has_sent(db: None) -> None:
    now = timezone.now()
    for number in range(19):
        row = saying.say(-5, f"{number}", key=f"before:{number}")
        at = now - td(seconds=30 - number)
        OutgoingMessage.objects.filter(pk=row.pk).update(state="sent", sent_at=at)
    old = saying.say(-6, "long ago", key="old")
    OutgoingMessage.objects.filter(pk=old.pk).update(state="sent", sent_at=now - td(seconds=90))
    pace = Pace()
    for chat_id, seconds in outbox.lately_sent():
        pace.was_sent(chat_id, 1000.0 - seconds)
    assert pace.wait(-5, 1000.0) > 25
    assert pace.wait(-6, 1000.0) == 0
    assert pace.wait(7, 1000.0) == 0
