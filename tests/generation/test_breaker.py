"""A breaker opens for faults and for hangs, never for the merely slow, and closes by a probe."""

from __future__ import annotations

from datetime import timedelta as td

import pytest
from django.utils import timezone

from generation import breaker, studio, worker
from generation.models import Attempt, Job, ProviderSetting, Route, State
from generation.providers import PROVIDERS
from generation.providers import base as kinds
from generation.providers.base import Done, ProviderError
from telegram_integration.models import User
from tests.conftest import Obedient, picture_file

pytestmark = pytest.mark.django_db

NAME = "vendor"
FIVE = breaker.FAULTS_IN_A_ROW


@pytest.fixture
def job(person: User, provider: Obedient) -> Job:
    return studio.imagine(person.pk, prompt="a sea")


def order(job: Job, outcome: str, *, began: float = 60, took: float = 1) -> Attempt:
    """One order at NAME that began so many seconds ago; open where there is no outcome."""
    started = timezone.now() - td(seconds=began)
    ended = started + td(seconds=took) if outcome else None
    return Attempt.objects.create(
        job=job, provider=NAME, outcome=outcome, started_at=started, ended_at=ended
    )


def hanging(job: Job, seconds: float) -> None:
    """FIVE orders that nobody answered for so long."""
    Job.objects.filter(pk=job.pk).update(
        state=State.RUNNING, provider=NAME, slot=0, provider_ref=""
    )
    for _order in range(FIVE):
        order(job, "", began=seconds)


def test_five_faults_in_a_row_open_it_and_four_do_not(job: Job) -> None:
    for _order in range(FIVE - 1):
        order(job, kinds.TRANSIENT, began=5)
    assert not breaker.is_resting(NAME)
    order(job, kinds.OUTCOME_UNKNOWN, began=5)
    assert breaker.is_resting(NAME)


def test_an_order_that_failed_only_after_minutes_counts_like_any_other(job: Job) -> None:
    for began in range(245, 240, -1):
        order(job, kinds.OUTCOME_UNKNOWN, began=began, took=240)
    order(job, "done", began=300, took=10)
    order(job, kinds.OUTCOME_UNKNOWN, began=5)
    assert breaker.is_resting(NAME)


@pytest.mark.parametrize("code", [kinds.POLICY, kinds.INVALID_INPUT, kinds.NO_IMAGE, "done"])
def test_any_answer_among_the_last_five_keeps_it_closed(job: Job, code: str) -> None:
    outcomes = [kinds.TRANSIENT] * 9
    outcomes[6] = code
    for place, outcome in enumerate(outcomes):
        order(job, outcome, began=20 - place)
    assert not breaker.is_resting(NAME)


def test_one_that_fails_three_times_in_ten_stays_in_use(job: Job) -> None:
    for place in range(60):
        order(job, kinds.TRANSIENT if place % 10 < 3 else "done", began=70 - place)
        assert not breaker.is_resting(NAME)


def test_what_a_crash_left_open_says_nothing(job: Job) -> None:
    for _order in range(FIVE):
        order(job, kinds.TRANSIENT, began=5)
        order(job, breaker.LOST, began=4)
    assert breaker.is_resting(NAME)


def test_after_ten_seconds_one_probe_is_due_and_its_success_closes_it(job: Job) -> None:
    for _order in range(FIVE):
        order(job, kinds.TRANSIENT, began=11)
    assert not breaker.is_resting(NAME)
    probe = order(job, kinds.TRANSIENT, began=2)
    assert breaker.is_resting(NAME)
    Attempt.objects.filter(pk=probe.pk).update(outcome="done")
    assert not breaker.is_resting(NAME)


def test_a_long_rest_is_no_reason_to_send_more_than_a_probe(job: Job) -> None:
    for _order in range(FIVE):
        order(job, kinds.TRANSIENT, began=300)
    assert not breaker.is_resting(NAME)
    order(job, kinds.TRANSIENT, began=1)
    assert breaker.is_resting(NAME)


def test_while_a_probe_is_not_answered_there_is_no_other(job: Job) -> None:
    for _order in range(FIVE):
        order(job, kinds.TRANSIENT, began=60)
    Job.objects.filter(pk=job.pk).update(state=State.RUNNING, provider=NAME, slot=0)
    probe = order(job, "", began=15)
    assert breaker.is_resting(NAME)
    Attempt.objects.filter(pk=probe.pk).update(started_at=timezone.now() - td(seconds=130))
    assert not breaker.is_resting(NAME)


def test_five_orders_that_hang_open_it(job: Job) -> None:
    for _order in range(breaker.ENOUGH_KNOWN):
        order(job, "done", began=100, took=2)
    hanging(job, breaker.LEAST_PATIENCE.total_seconds() + 1)
    order(job, "", began=5)
    assert breaker.is_resting(NAME)


@pytest.mark.parametrize(("usual", "now"), [(2, 7), (30, 85), (60, 170)])
def test_one_that_is_slow_but_no_slower_than_it_may_be_is_left_in_use(
    job: Job, usual: float, now: float
) -> None:
    for _order in range(breaker.ENOUGH_KNOWN):
        order(job, "done", began=400, took=usual)
    hanging(job, now)
    order(job, "", began=1)
    assert not breaker.is_resting(NAME)


def test_of_a_newcomer_nobody_knows_how_long_it_may_take(job: Job) -> None:
    hanging(job, 110)
    order(job, "", began=1)
    assert not breaker.is_resting(NAME)
    Attempt.objects.filter(job=job).update(started_at=timezone.now() - td(seconds=125))
    order(job, "", began=1)
    assert breaker.is_resting(NAME)


def test_what_was_accepted_and_is_worked_on_does_not_hang(job: Job) -> None:
    hanging(job, 600)
    Job.objects.filter(pk=job.pk).update(state=State.WAITING, provider_ref="task-1")
    assert not breaker.is_resting(NAME)


def test_a_provider_that_fails_is_left_alone_until_a_probe_finds_it_well(
    person: User, provider: Obedient, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PROVIDER = ""
    other = Obedient()
    monkeypatch.setitem(PROVIDERS, "other", lambda _config: other)
    Route.objects.all().delete()
    for place, name in enumerate((provider.name, "other")):
        row, _created = ProviderSetting.objects.get_or_create(name=name)
        Route.objects.create(tool="imagine", provider=row, order=place)
    provider.answer = ProviderError(kinds.TRANSIENT, permanent=False)
    made_by = [_run(person) for _job in range(FIVE + 2)]
    assert made_by == ["other"] * (FIVE + 2)
    assert len(provider.orders) == FIVE
    provider.answer = Done((picture_file(),))
    Attempt.objects.update(started_at=timezone.now() - breaker.PROBE_EVERY - td(seconds=1))
    assert [_run(person) for _job in range(2)] == [provider.name] * 2


def _run(person: User) -> str:
    job = studio.imagine(person.pk, prompt="a sea")
    while worker.work():
        pass
    job.refresh_from_db()
    assert job.state == State.DONE
    return job.provider
