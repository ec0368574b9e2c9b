"""Who is asked, who is asked next, and when nobody is: the person never pays for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta as td
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from billing import ledger
from billing.audit import findings
from billing.problem import Problem
from generation import ending, queue, routing, studio, worker
from generation.models import Attempt, Job, ProviderSetting, Route, State
from generation.providers import PROVIDERS
from generation.providers import base as kinds
from generation.providers.base import Config, Done, Order, ProviderError, Waiting
from telegram_integration.models import User
from tests.conftest import Obedient, picture_file

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch, settings: Any) -> tuple[Obedient, Obedient]:
    """Two providers for pictures from words, the first before the second, and no other."""
    Route.objects.all().delete()
    settings.PROVIDER = ""
    pair = (Obedient(), Obedient())
    for order, provider in enumerate(pair):
        provider.name = f"vendor{order}"
        monkeypatch.setitem(PROVIDERS, provider.name, _always(provider))
        row = ProviderSetting.objects.create(name=provider.name)
        Route.objects.create(tool="imagine", provider=row, order=order)
    return pair


def _always(provider: Obedient) -> Callable[..., Obedient]:
    return lambda _config: provider


def run(person: User, turns: int = 6) -> Job:
    """A job, worked on until it has ended or `turns` are over; waits are made to be over."""
    job = studio.imagine(person.pk, prompt="a sea")
    for _turn in range(turns):
        Job.objects.filter(state=State.WAITING).update(next_check_at=timezone.now())
        worker.work()
    job.refresh_from_db()
    return job


def fault(code: str = kinds.TRANSIENT, **options: Any) -> ProviderError:
    return ProviderError(code, "vendor text", **{"permanent": False, **options})


def test_the_first_in_order_is_asked(person: User, two: tuple[Obedient, Obedient]) -> None:
    job = run(person)
    assert (job.state, job.provider) == (State.DONE, "vendor0")
    assert two[1].orders == []


@pytest.mark.parametrize(
    "code", [kinds.TRANSIENT, kinds.RATE_LIMITED, kinds.MISCONFIGURED, kinds.NO_CREDITS]
)
def test_where_the_first_provably_refused_the_second_is_asked(
    person: User, two: tuple[Obedient, Obedient], code: str
) -> None:
    two[0].answer = fault(code)
    job = run(person)
    assert (job.state, job.provider, job.price_amount) == (State.DONE, "vendor1", 1)
    assert len(two[0].orders) == 1
    assert ledger.balance(person.pk).credit == 4


@pytest.mark.parametrize("code", [kinds.POLICY, kinds.INVALID_INPUT])
def test_what_lies_in_the_order_itself_is_asked_of_nobody_else(
    person: User, two: tuple[Obedient, Obedient], code: str
) -> None:
    two[0].answer = fault(code)
    job = run(person)
    assert (job.state, job.error_code) == (State.FAILED, code)
    assert two[1].orders == []
    assert ledger.balance(person.pk).credit == 5


def test_when_all_fail_everything_goes_back_once(
    person: User, two: tuple[Obedient, Obedient]
) -> None:
    two[0].answer = two[1].answer = fault()
    job = run(person, turns=12)
    assert (job.state, job.error_code) == (State.FAILED, kinds.TRANSIENT)
    assert Attempt.objects.count() == routing.MOST_ORDERS
    assert ledger.balance(person.pk).credit == 5
    assert findings() == []


def test_an_unknown_outcome_leads_to_one_more_order_and_no_third(
    person: User, two: tuple[Obedient, Obedient]
) -> None:
    two[0].answer = two[1].answer = fault(kinds.OUTCOME_UNKNOWN, accepted=None)
    job = run(person, turns=12)
    assert job.state == State.FAILED
    assert len(two[0].orders) + len(two[1].orders) == 2


class Remembering(Obedient):
    """Knows what it was ordered before, as ComfyUI does."""

    placed: str | ProviderError | None = None

    def find(self, order: Order) -> str | None:
        if isinstance(self.placed, ProviderError):
            raise self.placed
        return self.placed


@pytest.mark.parametrize("outcome", [kinds.OUTCOME_UNKNOWN, "lost", ""])
def test_an_order_in_doubt_is_looked_up_before_anybody_else_is_asked(
    person: User, two: tuple[Obedient, Obedient], outcome: str
) -> None:
    two[0].__class__, two[0].placed = Remembering, "order-1"
    job = studio.imagine(person.pk, prompt="a sea")
    Attempt.objects.create(job=job, provider="vendor0", outcome=outcome, accepted=None)
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.provider, job.provider_ref) == (State.WAITING, "vendor0", "order-1")
    assert two[0].orders == two[1].orders == []


def test_where_it_cannot_be_looked_up_another_is_asked_once(
    person: User, two: tuple[Obedient, Obedient]
) -> None:
    two[0].__class__, two[0].placed = Remembering, fault()
    two[0].answer = fault(kinds.OUTCOME_UNKNOWN, accepted=None)
    job = run(person)
    outcomes = list(Attempt.objects.order_by("pk").values_list("provider", "outcome"))
    assert outcomes == [
        ("vendor0", kinds.OUTCOME_UNKNOWN), ("vendor0", kinds.TRANSIENT), ("vendor1", "done"),
    ]  # fmt: skip
    assert (job.state, len(two[0].orders), len(two[1].orders)) == (State.DONE, 1, 1)


def test_a_provider_switched_off_gets_no_order(
    person: User, two: tuple[Obedient, Obedient]
) -> None:
    ProviderSetting.objects.filter(name="vendor0").update(enabled=False)
    assert run(person).provider == "vendor1"
    ProviderSetting.objects.update(enabled=False)
    with pytest.raises(Problem, match="switched_off"):
        studio.imagine(person.pk, prompt="a sea")


def test_a_full_provider_lets_the_next_one_do_it(
    person: User, stranger: User, two: tuple[Obedient, Obedient]
) -> None:
    ProviderSetting.objects.filter(name="vendor0").update(concurrency=1)
    two[0].answer = Waiting("task-1", check_in=600)
    run(stranger, turns=1)
    studio.imagine(person.pk, prompt="a lake")
    worker.work()
    assert Job.objects.get(owner=person).provider == "vendor1"


def test_when_all_are_full_the_job_waits_and_is_not_failed(
    person: User, two: tuple[Obedient, Obedient]
) -> None:
    ProviderSetting.objects.update(per_minute=1)
    run(person, turns=1)
    run(person, turns=1)
    waiting = run(person, turns=1)
    assert (waiting.state, waiting.error_code) == (State.QUEUED, "")
    Attempt.objects.update(started_at=timezone.now() - td(minutes=2))
    worker.work()
    waiting.refresh_from_db()
    assert waiting.state == State.DONE


def test_what_the_vendor_does_not_say_it_costs_is_taken_from_the_row(
    person: User, two: tuple[Obedient, Obedient]
) -> None:
    ProviderSetting.objects.filter(name="vendor0").update(picture_cost="2.5")
    two[0].answer = Done((picture_file(),), cost=None)
    assert run(person).cost == Decimal("2.5")


def test_each_order_is_a_row_with_the_vendors_words_for_staff(
    person: User, two: tuple[Obedient, Obedient]
) -> None:
    two[0].answer = fault(kinds.TRANSIENT)
    run(person)
    first, second = Attempt.objects.order_by("pk")
    assert (first.outcome, first.accepted, first.detail) == ("transient", False, "vendor text")
    assert (second.outcome, second.accepted) == ("done", True)


def test_an_order_that_a_crash_left_open_is_closed_as_lost(
    person: User, two: tuple[Obedient, Obedient]
) -> None:
    job = studio.imagine(person.pk, prompt="a sea")
    routing.begin(job, routing.setting_of("vendor0"))
    worker.work()
    assert list(Attempt.objects.order_by("pk").values_list("outcome", flat=True)) == [
        "lost",
        "done",
    ]


def test_a_frozen_worker_that_fails_does_not_close_the_new_workers_order(
    person: User, two: tuple[Obedient, Obedient]
) -> None:
    studio.imagine(person.pk, prompt="a sea")
    frozen = queue.claim()
    Job.objects.update(lease_until=timezone.now() - td(hours=1))
    queue.sweep()
    newer = queue.claim()
    routing.begin(newer, routing.setting_of("vendor0"))
    two[0].answer = fault()
    with pytest.raises(ending.Lost):
        worker._go_on_or_fail(frozen, fault())
    assert Attempt.objects.get().outcome == ""


def test_with_a_key_in_the_environment_a_provider_is_used_before_the_built_in_one(
    settings: Any,
) -> None:
    settings.PROVIDER = ""
    assert [row.name for row in routing.candidates("tryon")] == ["local"]
    settings.PROVIDER_KEYS = {"kie": "secret"}
    routing.seed()
    routing.seed()
    assert [row.name for row in routing.candidates("tryon")] == ["kie", "local"]
    assert Route.objects.filter(provider__name="kie").count() == 3


def test_the_assistant_borrows_a_key_only_at_the_address_it_belongs_to(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PROVIDER_KEYS = {"openrouter": "sk-or", "chat": ""}
    seen: list[Config] = []
    monkeypatch.setitem(PROVIDERS, "chat", seen.append)
    routing.made(ProviderSetting(name="chat"))
    routing.made(ProviderSetting(name="chat", base_url="https://llm.example.com/v1"))
    settings.PROVIDER_KEYS = {"openrouter": "sk-or", "chat": "own"}
    routing.made(ProviderSetting(name="chat", base_url="https://llm.example.com/v1"))
    assert [config.key for config in seen] == ["sk-or", "", "own"]
