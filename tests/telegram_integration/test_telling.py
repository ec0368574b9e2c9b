"""What becomes a message when a job ends, and what a chat shows before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta as td

import pytest
from django.utils import timezone

from generation import queue, worker
from generation.models import Job
from telegram_integration import drawing, telling
from telegram_integration.models import ChatJob, OutgoingMessage
from telegram_integration.pace import Slot
from tests.conftest import Obedient
from tests.telegram_integration.chatting import (
    ANN,
    GROUP,
    Talker,
    delivered,
    newest_job,
    worked,
)
from tests.telegram_integration.delivering import Post, at_hand
from tests.vendors import botapi
from tests.vendors.botapi import BotApi

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(provider: Obedient) -> Talker:
    ann = Talker()
    ann.write("/start")
    delivered()
    return ann


def asked_long_ago(seconds: int) -> None:
    Job.objects.update(created_at=timezone.now() - td(seconds=seconds))


def test_who_had_to_wait_for_long_is_called(ann: Talker) -> None:
    (status,) = ann.write("/imagine a fox")
    asked_long_ago(70)
    _picture, call = worked()
    status.refresh_from_db()
    assert (call.method, call.body["text"]) == ("sendMessage", "Your picture is ready")
    assert call.body["reply_parameters"]["message_id"] == status.message_id


@pytest.mark.parametrize(("seconds", "group"), [(10, False), (70, True)])
def test_nobody_is_called_who_looks_on_and_no_group(ann: Talker, seconds: int, group: bool) -> None:
    Talker(chat=GROUP if group else None).write("/imagine a fox")
    asked_long_ago(seconds)
    assert [one.method for one in worked()] == ["editMessageMedia"]


def test_a_picture_whose_message_never_arrived_gets_another(ann: Talker) -> None:
    (status,) = ann.write("/imagine a fox")
    while worker.work():
        pass
    OutgoingMessage.objects.filter(pk=status.pk).update(state="failed")
    telling.tell()
    picture, message = OutgoingMessage.objects.all()[:2]
    assert (message.method, picture.edits, picture.photo.job) == (
        "sendMessage", message, newest_job(),
    )  # fmt: skip


@pytest.fixture
def telegram() -> Iterator[BotApi]:
    with BotApi(enforce_pace=True) as api:
        api.start(ANN["id"])
        yield api


@pytest.fixture
def post(telegram: BotApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    with Post(telegram, at_hand(monkeypatch)) as made:
        yield made


def test_while_it_is_drawn_the_chat_shows_so(
    ann: Talker, telegram: BotApi, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "EVERY", 0.5)
    telegram.script("sendChatAction", botapi.TROUBLE)
    ann.write("/imagine a fox")
    queue.claim()
    shown = post.until(lambda: telegram.calls_to("sendChatAction")[1:])
    assert shown[0].values["action"] == "upload_photo"
    assert telegram.offences == []


def test_a_chat_that_is_full_shows_nothing_more(ann: Talker, telegram: BotApi, post: Post) -> None:
    ann.write("/imagine a fox")
    queue.claim()
    who = ChatJob.objects.get().chat_id
    show = post.delivery.drawing
    assert show._may_be_shown(who, 100.0)
    for _time in range(2):
        show.pace.landed(Slot(), who, 100.0)
    assert not show._may_be_shown(who, 100.5)
    assert show._may_be_shown(who, 103.0)
