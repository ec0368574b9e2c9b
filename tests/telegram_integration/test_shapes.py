"""Rotate and crop by buttons: free, at once, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from billing import ledger
from generation.models import Job, Photo
from telegram_integration.handlers import shapes
from telegram_integration.models import OutgoingMessage, Talk
from tests.conftest import Obedient
from tests.telegram_integration.chatting import BOB, Talker, delivered, worked

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(provider: Obedient) -> Talker:
    ann = Talker()
    ann.write("/start")
    delivered()
    return ann


@pytest.fixture
def asked(ann: Talker) -> OutgoingMessage:
    """What the bot asks of a photo of 320 × 400."""
    (asked,) = ann.photo()
    delivered()
    return shown(asked)


def shown(message: OutgoingMessage) -> OutgoingMessage:
    """As it stands in the chat: with the buttons that it was given last."""
    last = message.changes.order_by("-pk").first()
    message.refresh_from_db()
    message.body |= {"reply_markup": last.body["reply_markup"]} if last else {}
    return message


def labels(message: OutgoingMessage) -> list[str]:
    rows = message.body["reply_markup"]["inline_keyboard"]
    return [one["text"] for row in rows for one in row]


def test_a_photo_is_turned_at_once_for_nothing(ann: Talker, asked: OutgoingMessage) -> None:
    before = ledger.balance(ann.user.pk)
    ann.press(asked, "Rotate or crop, free")
    message, picture = ann.press(shown(asked), "↻ Right")
    made = Photo.objects.made().get()
    assert (picture.method, picture.edits, picture.photo) == ("editMessageMedia", message, made)
    assert picture.body["caption"] == "Rotated"
    assert (made.width, made.height, made.parent) == (400, 320, Photo.objects.sent().get())
    assert (ledger.balance(ann.user.pk), Job.objects.count()) == (before, 0)


@pytest.mark.parametrize("name", shapes.CHANGES)
def test_every_button_makes_a_picture(ann: Talker, asked: OutgoingMessage, name: str) -> None:
    ann.press(asked, "Rotate or crop, free")
    rows = shown(asked).body["reply_markup"]["inline_keyboard"]
    data = [one["callback_data"] for row in rows for one in row]
    (pressed,) = [one for one in data if one.startswith(f"1:shape:{name}:")]
    assert len(pressed.encode()) <= 64
    ann.press_data(asked, pressed)
    assert Photo.objects.made().get().recipe == shapes.CHANGES[name].recipe


def test_the_other_buttons_come_back(ann: Talker, asked: OutgoingMessage) -> None:
    before = labels(asked)
    ann.press(asked, "Rotate or crop, free")
    assert labels(shown(asked)) != before
    ann.press(shown(asked), "‹ Back")
    assert labels(shown(asked)) == before


def test_under_a_result_too_and_what_comes_can_be_kept_and_changed_on(
    ann: Talker, provider: Obedient
) -> None:
    ann.photo(caption="make it warmer")
    (end,) = worked()
    result = shown(end.edits)
    ann.press(result, "Rotate, crop")
    _message, picture = ann.press(shown(end.edits), "1:1")
    delivered()
    assert (picture.photo.parent, picture.photo.width) == (end.photo, picture.photo.height)
    assert {"Change it by words", "As a file", "♡", "Delete"} <= set(labels(picture))
    ann.press(shown(picture.edits), "♡")
    assert "♥" in labels(shown(picture.edits))


def test_words_that_follow_are_about_the_new_picture(ann: Talker, asked: OutgoingMessage) -> None:
    ann.press_data(asked, shape_of(Photo.objects.get(), "mirror"))
    made = Photo.objects.made().get()
    assert Talk.objects.get(user=ann.user).base == made
    delivered()
    ann.press(shown(OutgoingMessage.objects.get(photo=made).edits), "Change it by words")
    ann.write("warmer")
    assert Job.objects.get().inputs.get().photo == made


def shape_of(photo: Photo, name: str) -> str:
    return str(shapes.button("", "shape", name, photo.code)["callback_data"])


def test_somebody_elses_buttons_do_nothing(ann: Talker, asked: OutgoingMessage) -> None:
    bob = Talker(BOB | {"language_code": "en"})
    for data in (shape_of(Photo.objects.get(), "left"), asked_for(asked, "menu")):
        bob.press_data(asked, data)
        assert bob.call.answer == "These buttons belong to somebody else."
    assert Photo.objects.made().count() == 0
    assert not asked.changes.exists()


def asked_for(message: OutgoingMessage, act: str) -> str:
    rows = message.body["reply_markup"]["inline_keyboard"]
    found = (one["callback_data"] for row in rows for one in row if "callback_data" in one)
    return next(data for data in found if data.startswith(f"1:{act}:"))


def test_a_square_needs_no_square(ann: Talker, asked: OutgoingMessage) -> None:
    """What would change nothing is said over the button."""
    ann.press_data(asked, shape_of(Photo.objects.get(), "square"))
    ann.press_data(asked, shape_of(Photo.objects.made().get(), "square"))
    assert ann.call.answer.startswith("Nothing would change.")
    assert Photo.objects.made().count() == 1


def test_an_unknown_shape_is_nothing(ann: Talker, asked: OutgoingMessage) -> None:
    assert ann.press_data(asked, shape_of(Photo.objects.get(), "spiral")) == []


def test_the_page_for_doing_it_by_hand_is_a_button_away(
    ann: Talker, asked: OutgoingMessage, settings: Any
) -> None:
    settings.HTTPS, settings.SITE_URL = True, "https://studio.example"
    ann.press(asked, "Rotate or crop, free")
    rows = shown(asked).body["reply_markup"]["inline_keyboard"]
    opened = [one["web_app"]["url"] for row in rows for one in row if "web_app" in one]
    code = Photo.objects.get().code
    assert opened == [f"https://studio.example/pictures/{code}/reshape/"]


def test_the_history_says_what_was_done(ann: Talker, asked: OutgoingMessage) -> None:
    ann.press_data(asked, shape_of(Photo.objects.get(), "left"))
    (history,) = ann.write("/history")
    assert labels(history)[0].startswith("Rotated, ")
