"""Updates as rows: what is given up after a few tries, and what a command's words are."""

from __future__ import annotations

import pytest

from generation.models import Job
from telegram_integration import answering
from telegram_integration.models import Incoming, OutgoingMessage
from tests.conftest import Obedient
from tests.telegram_integration.chatting import GROUP, Talker, delivered, newest_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(provider: Obedient) -> Talker:
    ann = Talker()
    ann.write("/start")
    delivered()
    return ann


def given_up(talker: Talker, times: int) -> Incoming:
    """An update of theirs that nobody could answer so often."""
    talker.write("/help")
    row = Incoming.objects.get(update_id=talker.update["update_id"])
    Incoming.objects.filter(pk=row.pk).update(done_at=None, tries=0)
    OutgoingMessage.objects.all().delete()
    row.tries = 0
    for _time in range(times):
        answering.give_up(row, "KeyError")
    row.refresh_from_db()
    return row


def test_what_cannot_be_answered_is_tried_again(ann: Talker) -> None:
    row = given_up(ann, 2)
    assert (row.done_at, row.tries, row.trouble) == (None, 2, "KeyError")
    assert not OutgoingMessage.objects.exists()


def test_who_is_not_answered_in_the_end_is_told_so_once(ann: Talker) -> None:
    assert given_up(ann, 4).done_at
    said = OutgoingMessage.objects.get()
    assert said.body["text"].startswith("Something went wrong here, and we know.")


def test_a_group_does_not_hear_of_our_troubles(ann: Talker) -> None:
    assert given_up(Talker(chat=GROUP), 3).done_at
    assert not OutgoingMessage.objects.exists()


def test_the_words_of_a_command_may_begin_on_the_next_line(ann: Talker) -> None:
    ann.write("/imagine\na fox\nin the snow")
    assert newest_job().prompt == "a fox\nin the snow"
    ann.write("/imagine  \n ")
    assert Job.objects.count() == 1
