"""Several photos sent together: one question about all of them, however slowly they come."""

from __future__ import annotations

from datetime import timedelta as td

import pytest
from django.utils import timezone

from telegram_integration import outbox
from telegram_integration.models import OutgoingMessage
from tests.conftest import Obedient
from tests.telegram_integration.chatting import ANN, Talker, delivered, newest_job

pytestmark = pytest.mark.django_db
KEY = f"album:{ANN['id']}:a1"


@pytest.fixture
def ann(provider: Obedient) -> Talker:
    ann = Talker()
    ann.write("/start")
    delivered()
    return ann


def asked() -> OutgoingMessage:
    return OutgoingMessage.objects.get(key=KEY)


def test_a_photo_that_comes_late_changes_the_question(ann: Talker) -> None:
    ann.photo("teal", media_group_id="a1")
    delivered()
    (change,) = ann.photo("red", media_group_id="a1")
    assert (change.method, change.edits) == ("editMessageText", asked())
    assert change.body["text"] == "2 photos. What shall I do with them?"
    (zones,) = ann.press(change, "Try the second")
    ann.press(zones, "Clothes")
    assert newest_job().inputs.count() == 2


def test_what_a_late_photo_shows_counts_under_a_caption(ann: Talker) -> None:
    ann.photo("teal", media_group_id="a1", caption="like the others")
    delivered()
    for colour in ("red", "navy"):
        (change,) = ann.photo(colour, media_group_id="a1")
    ann.press(change, "Change the first so")
    assert [one.role for one in newest_job().inputs.all()] == ["base", "reference", "reference"]


def test_a_question_that_is_put_off_is_not_sent_as_it_was(ann: Talker) -> None:
    ann.photo("teal", media_group_id="a1")
    OutgoingMessage.objects.filter(key=KEY).update(due_at=timezone.now() - td(seconds=1))
    (seen,) = outbox.due(set())
    ann.photo("red", media_group_id="a1")
    assert not outbox.claim(seen)
    assert "2 photos" in asked().body["text"]
