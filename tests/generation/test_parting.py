"""A worker that leaves finishes what is short and hands the rest to whoever comes next."""

from __future__ import annotations

import pytest

from generation import ending, leases, parting, queue, studio, worker
from generation.models import Job, State
from telegram_integration.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider")]


@pytest.fixture
def held(person: User) -> Job:
    studio.imagine(person.pk, prompt="a sea")
    return queue.claim()


def test_what_is_not_short_is_handed_back_and_claimed_at_once(held: Job) -> None:
    with leases.kept(held):
        parting.finish_or_hand_back(0.1)
        again = queue.claim()
    assert (again, again.fence) == (held, held.fence + 2)
    assert again.attempts == held.attempts


def test_the_worker_that_handed_it_back_writes_no_more(held: Job) -> None:
    with leases.kept(held):
        parting.finish_or_hand_back(0)
    assert not queue.extend_lease(held)
    assert not held.move((State.QUEUED, State.RUNNING), percent=99)
    with pytest.raises(ending.Lost):
        ending.succeed(held, [], model="late", cost=0)


def test_an_order_that_is_placed_keeps_its_place_at_the_vendor(held: Job) -> None:
    queue.put_aside(held, "ref-1", check_in=0, percent=50)
    checking = queue.claim()
    with leases.kept(checking):
        parting.finish_or_hand_back(0)
    job = Job.objects.get(pk=held.pk)
    assert (job.state, job.provider_ref, job.percent) == (State.WAITING, "ref-1", 50)
    assert job.next_check_at is not None


def test_what_ended_meanwhile_stays_as_it_ended(held: Job) -> None:
    with leases.kept(held):
        ending.cancel(Job.objects.get(pk=held.pk))
        parting.finish_or_hand_back(0)
    assert Job.objects.get(pk=held.pk).state == State.CANCELLED


def test_nobody_waits_where_nothing_is_in_hand(held: Job) -> None:
    parting.finish_or_hand_back(3600)
    assert Job.objects.get(pk=held.pk).state == State.RUNNING


def test_a_worker_that_leaves_claims_nothing(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.imagine(person.pk, prompt="a sea")
    monkeypatch.setattr(parting, "_begun", True)
    assert not worker.work()
    assert Job.objects.get().state == State.QUEUED
