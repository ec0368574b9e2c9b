"""Whoever lives looks after the others, and what is found is open as long as it is so."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from datetime import timedelta as td
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Audit, Payment
from generation import photos, studio
from generation.models import Alert, Attempt, Heartbeat, Photo
from telegram_integration import saying, watching
from telegram_integration.models import Incoming, User
from tests.billing.buying import buy
from tests.pictures import picture_file

pytestmark = pytest.mark.django_db
ALIVE = ("bot", "beat", "worker:x:1", "canary:pictures", "canary:chores")


@pytest.fixture(autouse=True)
def _everybody_lives(settings: Any) -> None:
    settings.DEBUG, settings.TELEGRAM_MODE = True, "polling"
    for name in ALIVE:
        Heartbeat.objects.create(name=name)


def looked() -> set[str]:
    """The keys that are open after a look."""
    Heartbeat.objects.filter(name=watching.TURN).delete()
    watching.look()
    return set(Alert.objects.filter(cleared_at=None).values_list("key", flat=True))


def ago(**time: float) -> Any:
    return timezone.now() - td(**time)


def silence(name: str) -> Callable[[User], object]:
    old = {"beat_at": ago(seconds=61)}
    return lambda _person: Heartbeat.objects.filter(name=name).update(**old)


def late_answer(_person: User) -> None:
    saying.say(1, "x", key="k", due_at=ago(seconds=121))


def late_update(_person: User) -> None:
    Incoming.objects.create(update_id=1, telegram_id=1, data={}, received_at=ago(seconds=61))


def unsettled(person: User) -> None:
    buy(person, "basic")
    Payment.objects.update(status="created", lot=None, created_at=ago(hours=2))


def in_trouble(person: User) -> None:
    buy(person, "basic")
    Payment.objects.update(trouble="amount differs")


def unbalanced(_person: User) -> None:
    Audit.objects.create(sort="ledger", findings=["lot 1: 2 left"], ended_at=ago(hours=1))


def resting(person: User) -> None:
    job = studio.imagine(person.pk, prompt="a sea")
    fault = {"provider": "kie", "outcome": "transient", "ended_at": timezone.now()}
    Attempt.objects.bulk_create(Attempt(job=job, **fault) for _ in range(5))


def kept_too_long(person: User) -> None:
    photo = photos.ingest(person.pk, picture_file("teal"))
    Photo.objects.filter(pk=photo.pk).update(kept_until=ago(minutes=21))


WRONG: dict[str, Callable[[User], object]] = {
    "process:bot:silent": silence("bot"),
    "process:clock:silent": silence("beat"),
    "process:worker:silent": silence("worker:x:1"),
    "queue:chores:silent": silence("canary:chores"),
    "outbox:talk:late": late_answer,
    "inbox:updates:late": late_update,
    "payments:open:unsettled": unsettled,
    "payments:booked:differ": in_trouble,
    "books:ledger:differ": unbalanced,
    "provider:kie:resting": resting,
    "retention:photos:overdue": kept_too_long,
}


def test_where_all_is_well_nothing_is_open() -> None:
    assert looked() == set()


@pytest.mark.parametrize("key", WRONG)
def test_what_is_wrong_is_open_by_its_name_and_nothing_else(key: str, person: User) -> None:
    WRONG[key](person)
    assert looked() == {key}


def test_what_is_well_again_is_closed_and_was_counted_once(person: User) -> None:
    silence("bot")(person)
    assert looked() == looked() == {"process:bot:silent"}
    Heartbeat.objects.filter(name="bot").update(beat_at=timezone.now())
    assert looked() == set()
    assert Alert.objects.get().times == 1


@pytest.mark.parametrize("name", ["beat", "worker:x:1"])
def test_a_queue_is_not_blamed_for_the_clock_or_the_workers(name: str) -> None:
    silence(name)(None)
    silence("canary:pictures")(None)
    assert len(looked()) == 1


def test_a_disk_without_room_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil._ntuple_diskusage(100 * 1024**3, 0, 900 * 1024**2)
    monkeypatch.setattr(watching.shutil, "disk_usage", lambda _path: usage)
    assert looked() == {f"disk:{socket.gethostname()}:full"}
    assert "0.9 of 100.0 GB are free" in Alert.objects.get().text


def test_without_a_bot_nobody_misses_it(settings: Any, person: User) -> None:
    settings.TELEGRAM_MODE = "off"
    silence("bot")(person)
    late_answer(person)
    assert looked() == set()


def test_one_of_many_looks(django_assert_num_queries: Any) -> None:
    watching.look()
    Heartbeat.objects.filter(name="beat").delete()
    watching.look()
    assert not Alert.objects.exists()


def test_a_look_that_breaks_hides_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise OSError("gone")

    broken.__name__ = "broken"
    monkeypatch.setattr(watching, "LOOKS", (broken, *watching.LOOKS))
    silence("beat")(None)
    assert looked() == {"process:clock:silent"}
