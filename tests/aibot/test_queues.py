"""Nothing is rung where nobody listens: every bell has a queue, every queue a worker."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from celery.exceptions import QueueNotFound

from aibot.celery import app
from generation import tasks

QUEUES = {"pictures", "chores"}
OURS = ("generation.", "billing.", "telegram_integration.", "aibot.")


def queue_of(name: str, **options: Any) -> str:
    return app.amqp.router.route(options, name)["queue"].name


def our_bells() -> list[str]:
    app.loader.import_default_modules()
    return sorted(name for name in app.tasks if name.startswith(OURS))


def test_every_bell_goes_to_a_queue_that_a_plain_worker_hears() -> None:
    assert "generation.tasks.work" in our_bells()
    assert {queue_of(name) for name in our_bells()} == QUEUES
    assert set(app.amqp.queues.consume_from) == QUEUES


def test_pictures_alone_wait_in_the_line_of_pictures() -> None:
    assert [name for name in our_bells() if queue_of(name) == "pictures"] == [
        "generation.tasks.work"
    ]


def test_what_the_clock_rings_is_there_and_goes_to_a_queue_that_is_heard() -> None:
    bells = our_bells()
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in bells
        queue = entry["options"].get("queue") if "options" in entry else None
        assert queue_of(entry["task"], **({"queue": queue} if queue else {})) in QUEUES


def test_the_clock_sends_a_canary_through_each_queue() -> None:
    canaries = [e for e in app.conf.beat_schedule.values() if e["task"].endswith("canary")]
    assert {entry["options"]["queue"] for entry in canaries} == QUEUES


def test_a_queue_that_nobody_made_is_an_error() -> None:
    with pytest.raises(QueueNotFound):
        queue_of("generation.tasks.work", queue="nobody")


@pytest.mark.django_db
def test_a_canary_tells_the_queue_that_it_came_by() -> None:
    tasks.canary.apply(routing_key="chores")
    assert tasks.Heartbeat.objects.filter(name="canary:chores").exists()
    assert not tasks.Heartbeat.objects.filter(name="canary:pictures").exists()


@pytest.mark.django_db
def test_a_canary_by_a_workers_own_queue_tells_that_this_worker_hears() -> None:
    """Under a name of its own: one that has ended must not look like a queue that went silent."""
    tasks.canary.apply(routing_key="celery@here.dq2")
    beats = [beat.name for beat in tasks.Heartbeat.objects.all()]
    assert beats == [f"hears:{socket.gethostname()}"]  # of whoever ran it
