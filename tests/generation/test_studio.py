"""Asking for pictures: paid once, within limits, and never for what cannot be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from billing import ledger
from billing.audit import findings
from billing.models import Entry
from billing.problem import Problem
from generation import ending, queue, studio
from generation.models import Job, Photo, State
from generation.providers.base import Fit, ProviderError
from telegram_integration.models import User
from tests.conftest import Obedient

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider")]


def credits_of(user: User) -> int:
    return ledger.balance(user.pk).credit


def refusal(ask: Callable[[], Any]) -> str:
    with pytest.raises(Problem) as caught:
        ask()
    return caught.value.code


def test_a_try_on_costs_two_credits_and_waits_in_the_queue(
    person: User, photo_of: Callable[..., Photo]
) -> None:
    me, shirt = photo_of(person), photo_of(person, "red")
    job = studio.try_on(person.pk, person=me, item=shirt, zone="body")
    assert (job.state, job.price_unit, job.price_amount) == (State.QUEUED, "credit", 2)
    assert credits_of(person) == 3
    assert [(i.role, i.photo) for i in job.inputs.all()] == [("person", me), ("item", shirt)]


def test_four_pictures_cost_four(person: User) -> None:
    assert studio.imagine(person.pk, prompt="a sea", count=4).price_amount == 4
    assert credits_of(person) == 1


def test_a_job_keeps_the_price_that_it_was_quoted(person: User) -> None:
    from billing.models import Price

    job = studio.imagine(person.pk, prompt="a sea")
    Price.objects.filter(tool="imagine").update(credits=3)
    studio.cancel(job)
    assert credits_of(person) == 5


def test_the_same_key_gives_the_same_job_and_one_charge(person: User) -> None:
    first = studio.imagine(person.pk, prompt="a sea", key="k")
    again = studio.imagine(person.pk, prompt="a sea", key="k")
    assert first == again
    assert credits_of(person) == 4


def test_the_same_key_for_another_wish_is_refused(person: User) -> None:
    studio.imagine(person.pk, prompt="a sea", key="k")
    assert refusal(lambda: studio.imagine(person.pk, prompt="a lake", key="k")) == "key_reused"
    assert credits_of(person) == 4


def test_keys_of_two_people_do_not_meet(person: User, stranger: User) -> None:
    mine = studio.imagine(person.pk, prompt="a sea", key="k")
    assert studio.imagine(stranger.pk, prompt="a lake", key="k") != mine


def test_what_the_provider_cannot_do_is_said_and_not_charged(
    person: User, provider: Obedient, photo_of: Callable[..., Photo]
) -> None:
    provider.refusal = ProviderError("not_understood")
    base = photo_of(person)
    ask = lambda: studio.edit(person.pk, base=base, prompt="xyzzy")  # noqa: E731
    assert refusal(ask) == "not_understood"
    assert credits_of(person) == 5
    assert not Job.objects.exists()


def test_where_nobody_is_found_a_frame_is_asked_for_and_taken(
    person: User, provider: Obedient, photo_of: Callable[..., Photo]
) -> None:
    provider.place = Fit(None, "no_person")
    wish = {"person": photo_of(person), "item": photo_of(person, "red"), "zone": "head"}
    assert refusal(lambda: studio.try_on(person.pk, **wish)) == "no_person"
    job = studio.try_on(person.pk, box=(0.1, 0.1, 0.5, 0.5), **wish)
    assert tuple(job.box) == (0.1, 0.1, 0.5, 0.5)


def test_who_cannot_pay_gets_no_job(person: User) -> None:
    for _job in range(3):
        studio.imagine(person.pk, prompt="a sea", count=4)
    assert refusal(lambda: studio.imagine(person.pk, prompt="a sea", count=4)) == "not_enough"
    assert Job.objects.count() == 3
    assert findings() == []


def test_only_so_many_jobs_may_wait(person: User, settings: Any) -> None:
    settings.JOBS_WAITING = {"free": 2, "plan": 2}
    for _job in range(2):
        studio.imagine(person.pk, prompt="a sea")
    assert refusal(lambda: studio.imagine(person.pk, prompt="a sea")) == "too_many_jobs"


def test_cancelling_gives_everything_back_once(person: User) -> None:
    job = studio.imagine(person.pk, prompt="a sea", count=2)
    studio.cancel(job)
    assert (job.state, credits_of(person)) == (State.CANCELLED, 5)
    assert refusal(lambda: studio.cancel(job)) == "too_late"
    assert Entry.objects.filter(key=job.refund_key).count() == 1


def test_a_running_job_can_still_be_cancelled(person: User) -> None:
    studio.imagine(person.pk, prompt="a sea")
    job = queue.claim()
    studio.cancel(Job.objects.get(pk=job.pk))
    assert credits_of(person) == 5


def test_a_free_action_goes_back_as_a_free_action(person: User) -> None:
    studio.imagine(person.pk, prompt="a sea", count=4)
    job = studio.imagine(person.pk, prompt="a sea", count=2)
    assert (job.price_unit, job.watermark) == ("free", True)
    assert ledger.balance(person.pk).free == 8
    studio.cancel(job)
    assert ledger.balance(person.pk).free == 10


def test_a_failed_job_can_be_tried_again_pressed_twice_is_once(person: User) -> None:
    studio.imagine(person.pk, prompt="a sea", seed=7)
    job = queue.claim()
    ending.fail(job, ProviderError("broken"))
    again = studio.retry(job)
    assert studio.retry(job) == again != job
    assert (again.prompt, again.seed) == ("a sea", 7)
    assert credits_of(person) == 4


def test_a_job_that_goes_well_cannot_be_tried_again(person: User) -> None:
    job = studio.imagine(person.pk, prompt="a sea")
    assert refusal(lambda: studio.retry(job)) == "not_failed"


def test_a_plan_raises_the_limits(person: User) -> None:
    account = ledger.open_account(person.pk)
    ledger.grant(account, "plan", 50, key="payment:1:grant", source="basic")
    job = studio.imagine(person.pk, prompt="a sea")
    assert (job.price_unit, job.slots) == ("plan", 4)
