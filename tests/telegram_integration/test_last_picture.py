"""The last result is what the next words are about, unless something else was begun."""

from __future__ import annotations

import pytest

from generation.models import Photo
from telegram_integration.models import Talk
from tests.conftest import Obedient
from tests.telegram_integration.chatting import Talker, delivered, newest_job, worked

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(provider: Obedient) -> Talker:
    ann = Talker()
    ann.write("/start")
    delivered()
    return ann


def made() -> Photo:
    return Photo.objects.filter(job__isnull=False).latest("pk")


def test_edit_is_about_the_last_result(ann: Talker) -> None:
    ann.photo(caption="warmer")
    worked()
    (said,) = ann.write("/edit")
    assert said.body["text"].startswith("Say what to change in your last picture")
    warmer = made()
    ann.write("brighter")
    assert newest_job().inputs.get().photo == warmer


def test_words_alone_after_a_result_ask_the_assistant_about_it(ann: Talker) -> None:
    ann.write("/imagine a fox")
    worked()
    ann.write("make it warmer")
    job = newest_job()
    assert (job.tool, Talk.objects.get().base) == ("assistant", made())


def test_a_photo_sent_meanwhile_stays_what_is_spoken_of(ann: Talker) -> None:
    ann.write("/imagine a fox")
    ann.photo("red")
    worked()
    assert Talk.objects.get().base == Photo.objects.get(job=None)


def test_a_try_on_that_was_begun_goes_on(ann: Talker) -> None:
    ann.write("/imagine a fox")
    ann.write("/tryon")
    worked()
    talk = Talk.objects.get()
    assert (talk.step, talk.base) == ("person", None)
