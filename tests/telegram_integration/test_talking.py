"""Everything the studio does, said in the chat: the balance is asserted after each story."""

from __future__ import annotations

from datetime import timedelta as td
from typing import Any

import pytest
from django.utils import timezone

from billing import ledger
from billing.audit import findings
from generation.models import Job, Photo, State
from generation.providers.base import Fit
from telegram_integration import tasks
from telegram_integration.models import ChatJob, Incoming, OutgoingMessage, Talk, User
from tests.conftest import Obedient
from tests.telegram_integration.chatting import (
    ANN,
    BOB,
    GROUP,
    Talker,
    delivered,
    newest_job,
    worked,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(provider: Obedient) -> Talker:
    ann = Talker()
    ann.write("/start")
    delivered()
    return ann


def credits(talker: Talker) -> int:
    return ledger.balance(talker.user.pk).credit


def texts(messages: list[OutgoingMessage]) -> list[str]:
    return [message.body.get("text", message.body.get("caption", "")) for message in messages]


def test_a_stranger_is_greeted_with_the_welcome_credits(provider: Obedient) -> None:
    ann = Talker()
    (said,) = ann.write("/start")
    assert said.body["text"].startswith("Hello, Ann.")
    assert "5 credits" in said.body["text"]
    assert (ann.user.language, credits(ann)) == ("en", 5)
    assert ann.user.chat_since


def test_people_are_spoken_to_in_their_language(provider: Obedient) -> None:
    bob = Talker(BOB)
    bob.write("/start")
    assert bob.user.language == "ru"
    (ask,) = bob.write("/settings")
    (said,) = bob.press(ask, "English")
    assert (bob.user.language, said.body["text"]) == ("en", "Now we talk in English.")


def test_a_try_on_from_two_photos(ann: Talker, provider: Obedient) -> None:
    (asked,) = ann.photo("teal")
    assert asked.body["text"].endswith("What shall I do with it?")
    ann.press(asked, "Try something on")
    (zones,) = ann.photo("red")
    assert zones.body["reply_markup"]["inline_keyboard"][0][0]["text"] == "Clothes · 2 credits"
    (status,) = ann.press(zones, "Clothes")
    assert status.body["text"].startswith("Try-on · 2 credits\n")
    (end,) = worked()
    assert (end.method, end.edits, end.photo.job) == ("editMessageMedia", status, newest_job())
    assert end.body["caption"] == "Try-on · 2 credits. You have 3 credits."
    assert (newest_job().state, credits(ann)) == (State.DONE, 3)
    assert findings() == []


def test_a_place_that_cannot_be_found_is_drawn_on_the_page(
    ann: Talker, provider: Obedient, settings: Any
) -> None:
    settings.HTTPS, settings.SITE_URL = True, "https://studio.example.com"
    (asked,) = ann.photo("teal")
    ann.press(asked, "Try something on")
    (zones,) = ann.photo("red")
    person, item = [str(one) for one in Photo.objects.order_by("pk").values_list("code", flat=True)]
    wizard = f"https://studio.example.com/try-on/?person={person}&item={item}"
    assert links(asked)["Open in the studio"].endswith(f"/edit/?photo={person}")
    assert links(zones) == {"Open in the studio": wizard}
    provider.place = Fit(None, "no_person")
    (said,) = ann.press(zones, "Clothes")
    assert said.body["text"].startswith("We cannot find a face")
    assert (links(said), credits(ann)) == ({"Show where it goes": wizard}, 5)


def links(message: OutgoingMessage) -> dict[str, str]:
    rows = message.body["reply_markup"]["inline_keyboard"]
    return {one["text"]: one["web_app"]["url"] for row in rows for one in row if "web_app" in one}


def test_a_caption_is_the_prompt(ann: Talker, provider: Obedient) -> None:
    (status,) = ann.photo(caption="make it warmer")
    assert status.body["text"].startswith("Edit of a photo · 1 credit")
    worked()
    assert (newest_job().prompt, credits(ann)) == ("make it warmer", 4)


def test_an_answer_to_a_picture_changes_that_picture(ann: Talker, provider: Obedient) -> None:
    (status,) = ann.write("/imagine a fox")
    worked()
    fox = Photo.objects.get(job=newest_job())
    ann.write("/imagine a boat")
    worked()
    status.refresh_from_db()
    ann.reply(status, "add snow")
    worked()
    job = newest_job()
    assert (job.tool, job.prompt, job.inputs.get().photo) == ("edit", "add snow", fox)


def test_words_after_a_photo_are_for_the_assistant_whose_prompts_are_buttons(
    ann: Talker, provider: Obedient, settings: object
) -> None:
    settings.PROVIDER = ""
    ann.photo()
    ann.write("make it warmer and brighter")
    (answer,) = worked()
    assert (answer.method, newest_job().tool) == ("editMessageText", "assistant")
    labels = [row[0]["text"] for row in answer.body["reply_markup"]["inline_keyboard"]]
    assert labels == ["1. Short", "2. Balanced", "3. Detailed"]
    ann.press(answer, "2.")
    job = newest_job()
    assert (job.tool, job.prompt) == ("edit", job_prompts()[1])


def job_prompts() -> list[str]:
    from generation.models import Message

    return [one["text"] for one in Message.objects.get(role="assistant").prompts]


def test_an_album_is_one_question_about_both_photos(ann: Talker, provider: Obedient) -> None:
    ann.photo("teal", media_group_id="a1")
    ann.photo("red", media_group_id="a1")
    asked = OutgoingMessage.objects.get(key=f"album:{ANN['id']}:a1")
    assert asked.body["text"] == "2 photos. What shall I do with them?"
    (zones,) = ann.press(asked, "Try the second")
    ann.press(zones, "Hat")
    job = newest_job()
    assert [one.photo.pk for one in job.inputs.all()] == list(
        Photo.objects.order_by("pk").values_list("pk", flat=True)
    )


def test_a_caption_under_an_album_changes_the_first_photo(ann: Talker, provider: Obedient) -> None:
    ann.photo("teal", media_group_id="a1", caption="like the other")
    ann.photo("red", media_group_id="a1")
    delivered()
    asked = OutgoingMessage.objects.get(key=f"album:{ANN['id']}:a1")
    ann.press(asked, "Change the first so")
    job = newest_job()
    assert (job.prompt, [one.role for one in job.inputs.all()]) == (
        "like the other", ["base", "reference"],
    )  # fmt: skip


def test_an_update_that_comes_twice_does_nothing_twice(ann: Talker, provider: Obedient) -> None:
    ann.write("/imagine a fox")
    assert ann.again() == []
    assert (Job.objects.count(), credits(ann)) == (1, 4)
    assert Incoming.objects.filter(done_at=None).count() == 0


def test_a_strangers_press_is_refused(ann: Talker, provider: Obedient) -> None:
    ann.write("/imagine a fox")
    (end,) = worked()
    bob = Talker(BOB)
    bob.write("/start")
    assert bob.press(end, "Again") == []
    assert bob.call.answer == "Эти кнопки не ваши."
    assert Job.objects.count() == 1


@pytest.mark.parametrize(("label", "same"), [("Again", True), ("Variation", False)])
def test_again_is_the_same_luck_and_a_variation_another(
    ann: Talker, provider: Obedient, label: str, same: bool
) -> None:
    ann.write("/imagine a fox")
    (end,) = worked()
    first = newest_job()
    ann.press(end, label)
    second = newest_job()
    assert (second.prompt, second.seed == first.seed, second.pk > first.pk) == ("a fox", same, True)


def test_a_failure_says_that_nothing_was_charged_and_can_be_tried_again(
    ann: Talker, provider: Obedient
) -> None:
    from generation.providers.base import Done, ProviderError
    from tests.pictures import picture_file

    provider.answer = ProviderError("policy")
    ann.write("/imagine a fox")
    (end,) = worked()
    assert "Nothing was charged" in end.body["text"]
    assert credits(ann) == 5
    provider.answer = Done((picture_file(),))
    ann.press(end, "Try again")
    worked()
    assert (newest_job().state, credits(ann)) == (State.DONE, 4)


def test_what_goes_on_can_be_stopped_by_its_button(ann: Talker, provider: Obedient) -> None:
    (status,) = ann.write("/imagine a fox")
    ann.press(status, "Cancel")
    assert ann.call.answer == "Cancelled. Nothing was charged."
    (end,) = worked()
    assert (newest_job().state, credits(ann)) == (State.CANCELLED, 5)
    assert end.body["text"] == "Cancelled. Nothing was charged."


def test_cancel_forgets_what_was_begun(ann: Talker, provider: Obedient) -> None:
    ann.write("/tryon")
    ann.photo()
    assert Talk.objects.get().step == "item"
    ann.write("/imagine a fox")
    (said,) = ann.write("/cancel")
    assert said.body["text"] == "Cancelled. Nothing was charged."
    assert (Talk.objects.get().step, credits(ann)) == ("", 5)


def test_who_cannot_pay_is_told_so_and_it_goes_on_after_the_top_up(
    ann: Talker, provider: Obedient
) -> None:
    from generation.models import Errand

    for _number in range(15):
        ann.write("/imagine a fox")
        worked()
    (said,) = ann.write("/imagine a boat")
    assert said.body["text"].startswith("You do not have enough credits for this.")
    assert Errand.objects.get().request["prompt"] == "a boat"
    assert said.body["reply_markup"]["inline_keyboard"][0][0]["text"] == "Top up"


def test_in_a_group_only_what_is_addressed_is_answered(provider: Obedient) -> None:
    ann = Talker(chat=GROUP)
    assert ann.write("hello everybody") == []
    assert ann.write("/start") == []
    (status,) = ann.write("/imagine a fox")
    assert (status.chat_id, credits(ann)) == (GROUP["id"], 4)
    worked()
    status.refresh_from_db()
    bob = Talker(BOB, chat=GROUP)
    assert bob.reply(status, "add snow") == []  # it is not theirs
    ann.reply(status, "add snow")
    assert (newest_job().tool, newest_job().owner) == ("edit", ann.user)


def test_only_groups_on_the_list_are_served(provider: Obedient, settings: object) -> None:
    settings.TELEGRAM_GROUPS = [-5]
    assert Talker(chat=GROUP).write("/imagine a fox") == []


def test_what_is_no_photo_is_said_so(ann: Talker) -> None:
    sizes = [{"file_id": "x", "file_unique_id": "x", "width": 9, "height": 9}]
    (said,) = ann.tell("message", ann.message(photo=sizes), file=b"<html>")
    assert said.body["text"].startswith("This is not a photo we can read.")


def test_a_favourite_is_kept_and_its_heart_is_full(ann: Talker, provider: Obedient) -> None:
    ann.write("/imagine a fox")
    (end,) = worked()
    (redrawn,) = ann.press(_shown(end), "♡")
    assert Photo.objects.get(job=newest_job()).favourite
    assert "♥" in str(redrawn.body)


def _shown(end: OutgoingMessage) -> OutgoingMessage:
    """The message as a person sees it: the picture in the place of the status."""
    shown = OutgoingMessage.objects.get(pk=end.edits_id)
    shown.body = end.body
    return shown


def test_a_picture_is_deleted_after_a_question(ann: Talker, provider: Obedient) -> None:
    ann.write("/imagine a fox")
    (end,) = worked()
    (sure,) = ann.press(_shown(end), "Delete")
    assert Photo.objects.get(job=newest_job()).deleted_at is None
    (away,) = ann.press(sure, "Delete")
    assert Photo.objects.get(job=newest_job()).deleted_at
    assert (away.method, away.edits_id) == ("deleteMessage", end.edits_id)


def test_a_picture_comes_as_a_file_and_with_what_it_came_from(
    ann: Talker, provider: Obedient
) -> None:
    ann.photo(caption="warmer")
    (end,) = worked()
    message, file = ann.press(_shown(end), "As a file")
    assert (file.edits, file.photo) == (message, end.photo)
    assert file.body == {"media": {"type": "document"}}
    message, card = ann.press(_shown(end), "Before and after")
    assert (card.edits, card.photo.job, card.photo.height) == (message, None, 1024)


def test_an_invitation_is_bound_by_the_link_of_the_chat(ann: Talker, provider: Obedient) -> None:
    bob = Talker(BOB)
    bob.write(f"/start ref_{ann.user.account.invite_code}")
    bob.write("/imagine a fox")
    told = worked()
    assert credits(ann) == 15
    assert "A friend of yours made their first picture: 10 credits for you." in texts(told)


def test_everything_is_erased_and_the_books_stay(ann: Talker, provider: Obedient) -> None:
    ann.photo(caption="warmer")
    worked()
    user = ann.user
    (sure,) = ann.write("/deleteme")
    ann.press(sure, "Erase everything")
    user.refresh_from_db()
    assert (user.telegram_id, user.first_name, user.is_active) == (None, "", False)
    assert not Photo.objects.filter(owner=user, deleted_at=None).exists()
    assert not Job.objects.filter(owner=user).exclude(prompt="").exists()
    assert ledger.balance(user.pk).credit == 4
    assert findings() == []


def test_who_erases_and_returns_is_not_welcomed_with_credits_again(ann: Talker) -> None:
    before = ann.user
    (sure,) = ann.write("/deleteme")
    ann.press(sure, "Erase everything")
    ann.write("/start")
    assert (ann.user.pk != before.pk, ledger.balance(ann.user.pk)) == (True, ledger.Balance())
    bob = Talker(BOB)
    bob.write("/start")
    assert credits(bob) == 5
    assert findings() == []


def test_a_job_of_the_pages_comes_to_the_chat(ann: Talker, provider: Obedient) -> None:
    from generation import studio

    studio.imagine(ann.user.pk, prompt="a fox")
    message, picture = worked()
    assert (message.body["text"], picture.edits) == ("Your picture is ready", message)
    assert not ChatJob.objects.exists()


def test_who_never_wrote_to_the_bot_is_not_written_to(person: User, provider: Obedient) -> None:
    from generation import studio

    studio.imagine(person.pk, prompt="a fox")
    assert worked() == []
    assert newest_job().told_at


def test_answered_updates_are_forgotten_after_two_days(ann: Talker) -> None:
    ann.write("/balance")
    Incoming.objects.update(received_at=timezone.now() - td(days=2, minutes=1))
    waiting = Incoming.objects.create(
        update_id=10**6, telegram_id=1, data={}, received_at=timezone.now() - td(days=3)
    )
    ann.write("/help")
    tasks.clear_inbox()
    kept = set(Incoming.objects.values_list("update_id", flat=True))
    assert kept == {waiting.update_id, ann.update["update_id"]}
