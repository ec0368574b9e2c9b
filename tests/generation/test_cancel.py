"""Cancelling an order that a vendor has: only where it can be stopped, and then at both ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta as td
from typing import Any

import pytest
from django.utils import timezone

from billing import ledger
from billing.audit import findings
from billing.problem import Problem
from generation import queue, stopping, studio, tasks, worker
from generation.models import Job, State
from generation.providers.base import Order, ProviderError, Report, Waiting
from telegram_integration.models import User
from tests.conftest import Obedient

pytestmark = pytest.mark.django_db


class Stoppable(Obedient):
    """A provider that can stop what it has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped: list[str] = []

    def cancel(self, ref: str) -> None:
        self.stopped.append(ref)


@pytest.fixture
def stoppable(provider: Obedient) -> Obedient:
    """The provider of this test, which has learnt to stop."""
    provider.__class__ = Stoppable
    provider.stopped = []
    return provider


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """What the broker was given for a worker to do."""
    rung: list[tuple[str, list[str]]] = []

    def send(name: str, args: Any = (), **_options: Any) -> None:
        rung.append((name, list(args)))

    monkeypatch.setattr(stopping.current_app, "send_task", send)
    return rung


def waiting(person: User, provider: Obedient, ref: str = "order-1") -> Job:
    """A job whose order the provider has taken."""
    provider.answer = Waiting(ref, check_in=60)
    job = studio.imagine(person.pk, prompt="a sea")
    worker.work()
    job.refresh_from_db()
    return job


def test_an_order_that_can_be_stopped_is_given_back_and_then_stopped(
    person: User,
    stoppable: Stoppable,
    bells: list[tuple[str, list[str]]],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    job = waiting(person, stoppable)
    with django_capture_on_commit_callbacks(execute=True):
        studio.cancel(job)
    assert (job.state, ledger.balance(person.pk).credit) == (State.CANCELLED, 5)
    assert stoppable.stopped == []  # the person does not wait for the vendor
    assert bells == [("generation.tasks.stop", [str(job.code), "order-1"])]
    tasks.stop(*bells[0][1])
    assert stoppable.stopped == ["order-1"]
    assert findings() == []


def test_an_order_that_nobody_can_stop_goes_on(
    person: User, provider: Obedient, bells: list[tuple[str, list[str]]]
) -> None:
    job = waiting(person, provider)
    with pytest.raises(Problem, match="too_late"):
        studio.cancel(job)
    Job.objects.update(next_check_at=job.created_at)
    held = queue.claim()  # while it is asked after, it is no less ordered
    with pytest.raises(Problem, match="too_late"):
        studio.cancel(Job.objects.get(pk=held.pk))
    assert ledger.balance(person.pk).credit == 4


def test_while_nothing_is_ordered_waiting_can_be_cancelled(
    person: User, provider: Obedient, bells: list[tuple[str, list[str]]]
) -> None:
    provider.answer = ProviderError("transient", permanent=False)
    job = studio.imagine(person.pk, prompt="a sea")
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.provider_ref) == (State.WAITING, "")
    studio.cancel(job)
    assert (job.state, ledger.balance(person.pk).credit) == (State.CANCELLED, 5)


def test_an_order_placed_since_the_person_looked_is_not_given_back(
    person: User, provider: Obedient
) -> None:
    studio.imagine(person.pk, prompt="a sea")
    seen = Job.objects.get(pk=queue.claim().pk)
    queue.put_aside(Job.objects.get(), "order-1", check_in=60, percent=5)
    with pytest.raises(Problem, match="too_late"):
        studio.cancel(seen)
    assert ledger.balance(person.pk).credit == 4


def test_cancelled_twice_is_given_back_and_stopped_once(
    person: User,
    stoppable: Stoppable,
    bells: list[tuple[str, list[str]]],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    job = waiting(person, stoppable)
    again = Job.objects.get(pk=job.pk)
    with django_capture_on_commit_callbacks(execute=True):
        studio.cancel(job)
        with pytest.raises(Problem, match="too_late"):
            studio.cancel(again)
    assert len(bells) == 1
    assert ledger.balance(person.pk).credit == 5


def test_a_vendor_that_will_not_stop_troubles_nobody(
    person: User,
    stoppable: Stoppable,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = waiting(person, stoppable)
    studio.cancel(job)

    def refuse(ref: str) -> None:
        raise ProviderError("transient", "away")

    monkeypatch.setattr(stoppable, "cancel", refuse)
    tasks.stop(str(job.code), job.provider_ref)
    assert "could not be stopped" in caplog.text
    assert Job.objects.get().state == State.CANCELLED


def test_a_job_that_goes_on_is_never_stopped_at_its_vendor(
    person: User, stoppable: Stoppable
) -> None:
    job = waiting(person, stoppable)
    tasks.stop(str(job.code), "order-1")
    assert stoppable.stopped == []


def test_an_order_that_was_placed_while_its_job_was_cancelled_is_stopped(
    person: User,
    stoppable: Stoppable,
    bells: list[tuple[str, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    job = studio.imagine(person.pk, prompt="a sea")

    def start(order: Order, report: Report) -> Waiting:
        studio.cancel(Job.objects.get(code=order.code))
        return Waiting("order-2", check_in=60)

    monkeypatch.setattr(stoppable, "start", start)
    with django_capture_on_commit_callbacks(execute=True):
        worker.work()
    stops = [bell for bell in bells if bell[0] == "generation.tasks.stop"]
    assert stops == [("generation.tasks.stop", [str(job.code), "order-2"])]
    tasks.stop(*stops[0][1])
    assert stoppable.stopped == ["order-2"]
    assert ledger.balance(person.pk).credit == 5


def test_an_order_that_is_past_its_deadline_is_stopped(
    person: User,
    stoppable: Stoppable,
    bells: list[tuple[str, list[str]]],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    job = waiting(person, stoppable)
    Job.objects.update(deadline_at=timezone.now() - td(seconds=1))
    with django_capture_on_commit_callbacks(execute=True):
        queue.sweep()
    assert bells == [("generation.tasks.stop", [str(job.code), "order-1"])]
    tasks.stop(*bells[0][1])
    assert stoppable.stopped == ["order-1"]
