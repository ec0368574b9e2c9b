"""Whose turn it is, what a lease protects, and what the sweep puts right."""

from __future__ import annotations

from datetime import timedelta as td
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from billing import ledger
from generation import ending, estimate, queue, studio
from generation.models import Job, State
from generation.providers.base import ProviderError
from telegram_integration.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider")]

LONG_AGO = timezone.now() - td(hours=1)


def ask(user: User, number: int = 1) -> list[Job]:
    return [studio.imagine(user.pk, prompt=f"picture {n}") for n in range(number)]


def test_jobs_of_one_person_go_in_order(person: User) -> None:
    first, second = ask(person, 2)
    assert [queue.claim(), queue.claim()] == [first, second]
    assert queue.claim() is None


def test_two_who_move_a_job_give_each_state_a_version_of_its_own(person: User) -> None:
    ask(person)
    held = queue.claim()
    same = Job.objects.get(pk=held.pk)
    assert held.move((State.RUNNING,), percent=10)
    assert same.move((State.RUNNING,), percent=20)
    assert same.version == held.version + 1 == Job.objects.get().version
    assert not same.move((State.QUEUED,), percent=30)
    assert same.version == Job.objects.get().version


def test_many_jobs_of_one_do_not_starve_anothers_single_one(person: User, stranger: User) -> None:
    ask(person, 10)
    (other,) = ask(stranger)
    assert [estimate.position(job) for job in Job.objects.filter(owner=stranger)] == [2]
    assert other in [queue.claim(), queue.claim()]


def test_two_people_with_many_take_turns(person: User, stranger: User, settings: Any) -> None:
    settings.JOBS_RUNNING = {"free": 9, "plan": 9}
    ask(person, 3)
    ask(stranger, 3)
    owners = [queue.claim().owner for _turn in range(6)]
    assert owners == [person, stranger] * 3


def test_a_person_runs_two_jobs_at_once_and_no_more(person: User) -> None:
    ask(person, 3)
    one, _two = queue.claim(), queue.claim()
    assert queue.claim() is None
    ending.fail(one, ProviderError("broken"))
    assert queue.claim() is not None


def test_the_database_refuses_a_slot_taken_twice(person: User) -> None:
    ask(person, 2)
    one, two = queue.claim(), queue.claim()
    with pytest.raises(IntegrityError):
        Job.objects.filter(pk=two.pk).update(slot=one.slot)


def test_a_lost_worker_is_noticed_and_the_job_goes_back(person: User) -> None:
    (job,) = ask(person)
    queue.claim()
    Job.objects.update(lease_until=LONG_AGO)
    queue.sweep()
    job.refresh_from_db()
    assert (job.state, job.slot, job.attempts) == (State.QUEUED, None, 1)
    assert queue.claim() == job


def test_a_living_worker_is_left_alone(person: User) -> None:
    (job,) = ask(person)
    held = queue.claim()
    queue.sweep()
    assert queue.extend_lease(held)
    assert Job.objects.get(pk=job.pk).state == State.RUNNING


def test_a_worker_that_froze_and_wakes_writes_nothing(person: User) -> None:
    ask(person)
    frozen = queue.claim()
    Job.objects.update(lease_until=LONG_AGO)
    queue.sweep()
    newer = queue.claim()
    assert not queue.extend_lease(frozen)
    with pytest.raises(ending.Lost):
        ending.fail(frozen, ProviderError("broken"))
    assert ledger.balance(person.pk).credit == 4
    ending.fail(newer, ProviderError("broken"))
    assert ledger.balance(person.pk).credit == 5


def test_after_three_lost_workers_we_admit_it_and_give_back(person: User) -> None:
    (job,) = ask(person)
    for _attempt in range(3):
        queue.claim()
        Job.objects.update(lease_until=LONG_AGO)
        queue.sweep()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (State.FAILED, "lost")
    assert ledger.balance(person.pk).credit == 5


@pytest.mark.parametrize("claimed", [False, True])
def test_past_its_deadline_a_job_ends_wherever_it_stands(person: User, claimed: bool) -> None:
    (job,) = ask(person)
    held = queue.claim() if claimed else None
    Job.objects.update(deadline_at=LONG_AGO)
    queue.sweep()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (State.FAILED, "expired")
    assert ledger.balance(person.pk).credit == 5
    if held:
        with pytest.raises(ending.Lost):
            ending.succeed(held, [], model="", cost=job.cost)


def test_a_job_set_aside_frees_the_worker_and_comes_back_when_due(person: User) -> None:
    ask(person)
    queue.put_aside(queue.claim(), "task-1", check_in=60, percent=10)
    assert queue.claim() is None
    Job.objects.update(next_check_at=LONG_AGO)
    job = queue.claim()
    assert (job.provider_ref, job.attempts, job.state) == ("task-1", 1, State.RUNNING)


def test_a_worker_lost_while_checking_leaves_the_outside_order_in_place(person: User) -> None:
    (job,) = ask(person)
    queue.put_aside(queue.claim(), "task-1", check_in=0, percent=10)
    queue.claim()
    Job.objects.update(lease_until=LONG_AGO)
    queue.sweep()
    job.refresh_from_db()
    assert (job.state, job.provider_ref) == (State.WAITING, "task-1")


def test_people_in_the_queue_are_told_when_it_moves_and_only_then(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Job] = []
    monkeypatch.setattr("generation.live.announce", told.append)
    first, second, third = ask(person, 3)
    queue.sweep()
    queue.sweep()
    assert told == [first, second, third] * 2  # once when they were asked for
    Job.objects.filter(pk=first.pk).update(state=State.CANCELLED, finished_at=timezone.now())
    queue.sweep()
    assert told[6:] == [second, third]


def test_a_bell_that_cannot_be_rung_holds_nobody_up(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("generation.queue.current_app.send_task", broken)
    queue.ring()
    assert ask(person)[0].state == State.QUEUED


def test_the_estimate_is_learned_from_recent_jobs(person: User) -> None:
    jobs = ask(person, 3)
    now = timezone.now()
    Job.objects.filter(pk=jobs[0].pk).update(
        state=State.DONE, started_at=now - td(seconds=40), finished_at=now
    )
    assert estimate.eta_seconds(jobs[1], 1) == 40
    assert estimate.eta_seconds(jobs[2], 2) == 80
