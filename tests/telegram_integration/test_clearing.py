"""What of old messages is forgotten, and what is not."""

from __future__ import annotations

from datetime import timedelta as td

import pytest
from django.utils import timezone

from generation import photos
from generation.models import Photo
from telegram_integration import broadcasts, clearing, progress, tasks
from telegram_integration.models import Broadcast, ChatJob, Lane, OutgoingMessage
from tests.conftest import Obedient
from tests.telegram_integration.chatting import ANN, Talker, delivered, worked
from tests.telegram_integration.delivering import say

pytestmark = pytest.mark.django_db
OLD = td(days=31)


@pytest.fixture
def ann(provider: Obedient) -> Talker:
    ann = Talker()
    ann.write("/start")
    delivered()
    return ann


def grow_old() -> None:
    now = timezone.now()
    OutgoingMessage.objects.update(created_at=now - OLD)
    for job in ChatJob.objects.select_related("job"):
        type(job.job).objects.filter(pk=job.job.pk).update(told_at=now - OLD)


def left() -> list[str]:
    tasks.clear_outbox()
    return sorted(OutgoingMessage.objects.values_list("method", flat=True))


def test_old_texts_are_forgotten_and_young_ones_are_not(ann: Talker) -> None:
    ann.write("/balance")
    delivered()
    grow_old()
    ann.write("/balance")
    assert left() == ["sendMessage"]
    assert OutgoingMessage.objects.get().state == "waiting"


def test_what_waits_is_kept_however_old_it_is() -> None:
    say("later")
    grow_old()
    assert left() == ["sendMessage"]


def test_a_picture_can_be_answered_as_long_as_it_is_there(ann: Talker) -> None:
    (status,) = ann.write("/imagine a fox")
    worked()
    grow_old()
    assert left() == ["editMessageMedia", "sendMessage"]
    status.refresh_from_db()
    assert ann.reply(status, "add snow")


def test_a_picture_that_was_deleted_is_forgotten_with_its_message(ann: Talker) -> None:
    ann.write("/imagine a fox")
    worked()
    photos.forget(Photo.objects.get())
    grow_old()
    assert left() == []
    assert not ChatJob.objects.exists()


def test_buttons_under_an_album_never_die(ann: Talker) -> None:
    for colour in ("teal", "red"):
        ann.photo(colour, media_group_id="a1")
    delivered()
    grow_old()
    left()
    asked = OutgoingMessage.objects.get(key=f"album:{ANN['id']}:a1")
    assert ann.press(asked, "Try the second")


def test_of_a_broadcast_the_numbers_stay(ann: Talker) -> None:
    row = Broadcast.objects.create(text_en="Hello")
    broadcasts.schedule(row)
    broadcasts.drive(timezone.now())
    delivered()
    OutgoingMessage.objects.create(
        key="x", chat_id=1, lane=Lane.BROADCAST, broadcast=row, method="sendMessage",
        state="failed",
    )  # fmt: skip
    broadcasts.drive(timezone.now())
    before = numbers(row)
    grow_old()
    assert left() == []
    assert numbers(row) == before
    assert (before.wanted, before.sent, before.failed) == (2, 1, 1)


def numbers(row: Broadcast) -> progress.Progress:
    return progress.progress(progress.counted(Broadcast.objects.filter(pk=row.pk)).get())


def test_a_broadcast_that_goes_on_keeps_its_messages(ann: Talker) -> None:
    row = Broadcast.objects.create(text_en="Hello")
    broadcasts.schedule(row)
    broadcasts.drive(timezone.now())
    delivered()
    grow_old()
    assert left() == ["sendMessage"]


def test_changes_of_what_never_arrived_are_dropped() -> None:
    lost = say("lost")
    OutgoingMessage.objects.filter(pk=lost.pk).update(state="failed")
    change = OutgoingMessage.objects.create(
        key="change", chat_id=1, method="editMessageText", edits=lost
    )
    tasks.clear_outbox()
    change.refresh_from_db()
    assert change.state == "dropped"


def test_it_goes_through_all_of_them_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clearing, "RANGE", 3)
    for number in range(20):
        say(str(number))
    OutgoingMessage.objects.update(state="sent", created_at=timezone.now() - OLD)
    say("young")
    assert clearing.clear(timezone.now()) == 20
    assert OutgoingMessage.objects.get().body["text"] == "young"
