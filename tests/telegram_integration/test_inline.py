"""Inline mode: looking is free, choosing is charged once, and the picture comes to where it was
chosen. The balance is asserted after each story."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from telegram import InlineQuery
from telegram.error import BadRequest

from billing import ledger
from billing.audit import findings
from generation import errands, photos
from generation.models import Errand, Job, Photo, State
from generation.providers.base import ProviderError
from telegram_integration import erasing, outbox, refusals, saying, status, telling
from telegram_integration.handlers.inline import PICTURES, offer
from telegram_integration.models import (
    INLINE,
    ChatJob,
    Incoming,
    OutgoingMessage,
    User,
)
from tests.conftest import Obedient
from tests.telegram_integration.chatting import ANN, BOB, Talker, delivered, newest_job, worked

pytestmark = pytest.mark.django_db
sent_inline = itertools.count(1)


class Typist(Talker):
    """Types behind the bot's name, and sends what is offered."""

    def search(self, words: str = "", offset: str = "") -> dict[str, Any]:
        asked = {"id": "1", "from": self.who, "query": words, "offset": offset}
        return offer(InlineQuery.de_json(asked, None))

    def choose(self, words: str, number: int = 0) -> list[OutgoingMessage]:
        """Sends one of what is offered for these words."""
        chosen = self.search(words)["results"][number]
        self.name = f"AAAA{next(sent_inline)}"
        about = {"result_id": chosen.id, "from": self.who, "query": words}
        return self.tell("chosen_inline_result", about | {"inline_message_id": self.name})

    @property
    def place(self) -> OutgoingMessage:
        """What was chosen last, as a row."""
        return OutgoingMessage.objects.get(inline_message_id=self.name)

    def press_there(self, label: str) -> list[OutgoingMessage]:
        last = self.place.changes.exclude(body={}).order_by("-pk")[0]
        rows = last.body["reply_markup"]["inline_keyboard"]
        data = next(one["callback_data"] for row in rows for one in row if one["text"] == label)
        query = {"id": "1", "from": self.who, "chat_instance": "1", "data": data}
        return self.tell("callback_query", query | {"inline_message_id": self.name})


@pytest.fixture
def ann(provider: Obedient, settings: Any) -> Typist:
    settings.TELEGRAM_BOT_NAME = "studio_bot"
    return begun(Typist())


def begun(typist: Typist) -> Typist:
    typist.write("/start")
    delivered()
    return typist


def credits(typist: Typist) -> int:
    return ledger.balance(typist.user.pk).credit


def kinds(said: dict[str, Any]) -> list[str]:
    return [one.type for one in said["results"]]


def arrived() -> None:
    """Telegram has said how it calls each picture."""
    delivered()
    for message in OutgoingMessage.objects.filter(photo__job__isnull=False):
        message.file_id = f"file-{message.photo.job.prompt}"
        message.save(update_fields=["file_id"])


def filled() -> list[OutgoingMessage]:
    """What was written for other chats once all was drawn and had arrived."""
    worked()
    return told_of_arrivals()


def told_of_arrivals() -> list[OutgoingMessage]:
    arrived()
    last = OutgoingMessage.objects.order_by("-pk")[0].pk
    telling.tell()
    return list(OutgoingMessage.objects.filter(pk__gt=last))


def draw(typist: Typist, words: str) -> Photo:
    """A picture of theirs that is in the chat."""
    typist.write(f"/imagine {words}")
    worked()
    arrived()
    return Photo.objects.get(job=newest_job())


def test_looking_is_free_and_keeps_nothing(ann: Typist) -> None:
    before = Incoming.objects.count()
    said = ann.search("a fox in the snow")
    assert kinds(said) == ["article"] * 3
    assert [one.title for one in said["results"]] == [
        "Short · 1 credit", "Balanced · 1 credit", "Detailed · 1 credit",
    ]  # fmt: skip
    assert all("a fox in the snow" in one.description for one in said["results"])
    assert (said["is_personal"], said["cache_time"] < 10) == (True, True)
    assert (Job.objects.count(), Incoming.objects.count(), credits(ann)) == (0, before, 5)


def test_each_idea_can_be_changed_later_and_is_named_within_telegrams_limit(ann: Typist) -> None:
    for one in ann.search("x" * 256)["results"]:
        assert one.reply_markup.inline_keyboard
        assert len(one.id.encode()) <= 64
        assert one.input_message_content.link_preview_options.is_disabled


def test_a_chosen_idea_is_charged_once_and_its_message_becomes_the_picture(ann: Typist) -> None:
    assert ann.choose("a fox", 0) != []
    assert (newest_job().prompt, credits(ann)) == ("a fox", 4)
    assert ann.again() == []
    assert (Job.objects.count(), credits(ann)) == (1, 4)
    (there,) = filled()
    assert (there.method, there.edits) == ("editMessageMedia", ann.place)
    assert there.file_id == "file-a fox"
    assert (there.body["caption"], there.photo) == ("“a fox”", None)
    assert there.body["reply_markup"]["inline_keyboard"][0][0]["text"] == "Make one too"
    here = OutgoingMessage.objects.get(chat_id=ANN["id"], photo__job=newest_job())
    assert here.body["caption"] == "Pictures from words · 1 credit. You have 4 credits."
    assert (ann.again(), credits(ann), findings()) == ([], 4, [])


def test_an_idea_is_drawn_with_what_its_id_says(ann: Typist) -> None:
    wanted = ann.search("a fox")["results"][2].description
    ann.choose("a fox", 2)
    assert (newest_job().prompt, credits(ann)) == (wanted, 4)


def test_what_is_told_twice_is_there_once(ann: Typist) -> None:
    ann.choose("a fox")
    filled()
    count = OutgoingMessage.objects.count()
    ChatJob.objects.update(edit_at=F("created_at"))  # died before it was noted
    telling.tell()
    assert OutgoingMessage.objects.count() == count


def test_how_it_goes_is_shown_there_without_the_persons_money(ann: Typist) -> None:
    ann.choose("a fox")
    ChatJob.objects.update(edit_at=F("created_at"))
    (change,) = status.due(set())
    assert change.body["text"].startswith("“a fox”\nIn line, about ")
    assert "credit" not in change.body["text"]
    assert (change.chat_id < INLINE, change.edits) == (True, ann.place)
    assert status.claim(change)
    row = ChatJob.objects.get()
    assert (row.edit_at - row.created_at).total_seconds() >= 6


def test_own_pictures_are_offered_newest_first_and_favourites_before(ann: Typist) -> None:
    fox, boat, owl = draw(ann, "a fox"), draw(ann, "a boat"), draw(ann, "an owl")
    Photo.objects.filter(pk=fox.pk).update(favourite=True)
    assert files(ann.search()) == ["file-a fox", "file-an owl", "file-a boat"]
    photos.forget(owl)
    assert files(ann.search()) == ["file-a fox", "file-a boat"]
    assert files(ann.search("BOAT")) == ["file-a boat"]
    assert credits(ann) == 2
    assert boat.owner == ann.user


def files(said: dict[str, Any]) -> list[str]:
    return [one.photo_file_id for one in said["results"] if one.type == "photo"]


@pytest.mark.parametrize("typed", ["лиса", "Лиса", "снегу лиса"])
def test_russian_words_are_found_however_they_are_written(ann: Typist, typed: str) -> None:
    draw(ann, "Лиса на снегу")
    assert files(ann.search(typed)) == ["file-Лиса на снегу"]


def test_a_chosen_picture_costs_nothing(ann: Typist) -> None:
    draw(ann, "a fox")
    before = (Job.objects.count(), OutgoingMessage.objects.count())
    assert ann.choose("") == []
    assert (Job.objects.count(), OutgoingMessage.objects.count()) == before
    assert credits(ann) == 4


def test_a_strangers_pictures_are_never_offered(ann: Typist) -> None:
    draw(ann, "a fox")
    bob = begun(Typist(BOB))
    assert files(bob.search()) == files(bob.search("fox")) == []
    assert bob.search()["button"].start_parameter == "inline"


def test_many_pictures_come_page_by_page(ann: Typist) -> None:
    fox = draw(ann, "a fox")
    job, sent = fox.job, OutgoingMessage.objects.get(photo=fox)
    for number in range(2, PICTURES + 3):
        fox.pk, fox.code, fox.number = None, Job().code, number
        fox.save()
        sent.pk, sent.key, sent.photo, sent.file_id = None, f"more:{number}", fox, f"file-{number}"
        sent.save()
    first = ann.search()
    last = ann.search(offset=first["next_offset"])
    assert (len(first["results"]), first["next_offset"]) == (PICTURES, str(PICTURES))
    assert (len(last["results"]), last["next_offset"], last["button"]) == (2, "", None)
    assert not {one.id for one in first["results"]} & {one.id for one in last["results"]}
    assert ann.search("fox", offset="7")["results"][0].type == "photo"
    assert job.owner == ann.user


@pytest.mark.parametrize("offset", ["x", "-1", "9" * 60, "²"])
def test_an_offset_of_nobodys_is_no_trouble(ann: Typist, offset: str) -> None:
    assert ann.search(offset=offset)["next_offset"] == ""


def test_who_is_unknown_is_led_to_the_chat_and_not_made_a_person_of(ann: Typist) -> None:
    said = Typist(BOB).search("a fox")
    assert (said["results"], said["button"].start_parameter) == ([], "inline")
    assert not User.objects.filter(telegram_id=BOB["id"]).exists()


def test_who_is_banned_gets_nothing(ann: Typist) -> None:
    User.objects.update(is_active=False)
    said = ann.search("a fox")
    assert (said["results"], said["button"]) == ([], None)


def test_who_closed_the_chat_is_told_so_before_anything_is_charged(ann: Typist) -> None:
    ideas = ann.search("a fox")
    User.objects.update(blocked_at=F("date_joined"))
    assert ann.search("a fox")["results"] == []
    about = {"result_id": ideas["results"][0].id, "from": ann.who, "query": "a fox"}
    _place, said = ann.tell("chosen_inline_result", about | {"inline_message_id": "AAAAx"})
    assert said.body["text"].endswith("Nothing was charged.")
    assert said.body["reply_markup"]["inline_keyboard"][0][0]["url"].endswith("start=inline")
    assert (said.edits.inline_message_id, Job.objects.count(), credits(ann)) == ("AAAAx", 0, 5)


def test_who_blocks_the_bot_meanwhile_finds_the_picture_again_in_both_places(ann: Typist) -> None:
    ann.choose("a fox")
    worked()
    OutgoingMessage.objects.filter(photo__isnull=False).update(state="waiting", file_id="")
    outbox.blocked(ANN["id"])
    telling.tell()
    said = ann.place.changes.latest("pk")
    assert said.body["text"] == "The picture is ready. Open my chat, and it comes here as well."
    link = said.body["reply_markup"]["inline_keyboard"][0][0]["url"]
    delivered()
    ann.write("/start " + link.partition("start=")[2])
    (there,) = told_of_arrivals()
    assert (there.method, there.file_id, credits(ann)) == ("editMessageMedia", "file-a fox", 4)


def test_a_failure_is_said_there_and_everything_comes_back(ann: Typist, provider: Obedient) -> None:
    good, provider.answer = provider.answer, ProviderError("policy")
    ann.choose("a fox")
    assert credits(ann) == 4
    (said,) = worked()
    assert (said.edits, said.method) == (ann.place, "editMessageText")
    assert "Nothing was charged" in said.body["text"]
    assert (credits(ann), findings()) == (5, [])
    provider.answer = good
    ann.press_there("Try again")
    (there,) = filled()
    assert (there.edits, there.method, credits(ann)) == (ann.place, "editMessageMedia", 4)
    assert Job.objects.count() == 2


def test_its_owner_can_stop_it_there_and_nobody_else(ann: Typist) -> None:
    ann.choose("a fox")
    ChatJob.objects.update(edit_at=F("created_at"))
    (change,) = status.due(set())
    stop = change.body["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    bob = begun(Typist(BOB))
    query = {"id": "1", "chat_instance": "1", "data": stop, "inline_message_id": ann.name}
    bob.tell("callback_query", query | {"from": bob.who})
    assert newest_job().state == State.QUEUED
    ann.tell("callback_query", query | {"from": ann.who})
    (said,) = worked()
    assert (said.edits, newest_job().state, credits(ann)) == (ann.place, State.CANCELLED, 5)


def test_what_cannot_be_paid_waits_and_fills_after_the_top_up(ann: Typist) -> None:
    for _number in range(15):
        draw(ann, "a fox")
    assert ann.search("a boat")["results"][0].title == "Short · 1 credit, top up first"
    offered, there = ann.choose("a boat")[::-1][:2]
    assert there.body["text"] == "This picture waits until it is paid for."
    assert there.edits == ann.place
    assert (offered.chat_id, offered.body["reply_markup"]["inline_keyboard"][0][0]["text"]) == (
        ANN["id"], "Top up",
    )  # fmt: skip
    count = Job.objects.count()
    ledger.grant(ann.user.account, "credit", 3, key="gift", source="grant")
    errands.run(Errand.objects.get())
    assert (Job.objects.count(), credits(ann)) == (count + 1, 2)
    (shown,) = filled()
    assert (shown.edits, shown.file_id, credits(ann)) == (ann.place, "file-a boat", 2)


def test_what_is_refused_is_said_there_and_costs_nothing(ann: Typist, settings: Any) -> None:
    settings.JOBS_WAITING = {"free": 0, "plan": 0}
    _place, said = ann.choose("a fox")
    assert said.edits == ann.place
    assert said.body["text"].endswith("Nothing was charged.")
    assert said.body["text"].count("Nothing was charged.") == 1
    assert (Job.objects.count(), credits(ann)) == (0, 5)


def test_a_message_that_cannot_be_changed_is_charged_for_nothing(ann: Typist) -> None:
    chosen = ann.search("a fox")["results"][0]
    about = {"result_id": chosen.id, "from": ann.who, "query": "a fox"}
    assert ann.tell("chosen_inline_result", about) == []
    assert (Job.objects.count(), credits(ann)) == (0, 5)


@pytest.mark.parametrize("result_id", ["", "photo:x", "idea", "other:sunset"])
def test_a_result_of_nobodys_is_no_trouble(ann: Typist, result_id: str) -> None:
    about = {"result_id": result_id, "from": ann.who, "query": "", "inline_message_id": "x"}
    ann.tell("chosen_inline_result", about)
    assert (Job.objects.count(), credits(ann)) == (0, 5)


def test_a_picture_that_was_deleted_before_it_came_is_said_to_be(ann: Typist) -> None:
    ann.choose("a fox")
    worked()
    photos.forget(Photo.objects.get(job=newest_job()))
    telling.tell()
    assert ann.place.changes.latest("pk").body["text"] == "This picture was deleted."


def test_nothing_of_the_words_stays_after_everything_was_erased(ann: Typist) -> None:
    ann.choose("a secret fox")
    ChatJob.objects.update(edit_at=F("created_at"))
    assert status.claim(status.due(set())[0])
    filled()
    erasing.erase(ann.user)
    for model in (OutgoingMessage, ChatJob, Incoming):
        assert "secret" not in str(list(model.objects.values())), model


def test_a_message_that_its_sender_deleted_is_not_sent_anew(ann: Typist) -> None:
    ann.choose("a fox")
    (there,) = filled()
    refusals._refused(there, BadRequest("MESSAGE_ID_INVALID"))
    there.refresh_from_db()
    assert (there.state, there.changes.count(), there.edits) == ("failed", 0, ann.place)
    assert not OutgoingMessage.objects.filter(chat_id__lt=INLINE, method="sendMessage").exists()


def test_the_database_refuses_an_inline_message_in_a_chat_and_one_twice(ann: Typist) -> None:
    row = saying.inline("AAAA")
    with pytest.raises(IntegrityError), transaction.atomic():
        OutgoingMessage.objects.filter(pk=row.pk).update(chat_id=5)
    row.pk, row.key = None, "another"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
