"""What is done here and what is waited for have room of their own; no provider has all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from generation import estimate, queue, routing, slots, studio, worker
from generation.models import Heartbeat, Job, Photo, ProviderSetting, Route, State, Tool
from generation.providers import PROVIDERS
from generation.providers.base import Waiting
from telegram_integration.models import User
from tests.conftest import Obedient

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_kinds(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pictures from words are made here, one at once; edits away, four at once. All is free."""
    settings.PROVIDER = ""
    settings.WORKER_CONCURRENCY, settings.OUTSIDE_CONCURRENCY = 1, 4
    settings.JOBS_RUNNING = {"free": 9, "plan": 9}
    monkeypatch.setattr(slots, "OWN_MACHINE", frozenset({"here"}))
    monkeypatch.setattr(estimate, "OWN_MACHINE", frozenset({"here"}))
    Route.objects.all().delete()
    for tool, name in (("imagine", "here"), ("edit", "away"), ("assistant", "here")):
        _route(monkeypatch, tool, name)
    yield
    assert not slots._taken.total()


def _route(monkeypatch: pytest.MonkeyPatch, tool: str, name: str, order: int = 1) -> Obedient:
    provider = Obedient()
    provider.name = name
    monkeypatch.setitem(PROVIDERS, name, lambda _config: provider)
    row, _created = ProviderSetting.objects.get_or_create(name=name)
    Route.objects.create(tool=tool, provider=row, order=order)
    return provider


@pytest.fixture
def claim() -> Iterator[Callable[[], Job | None]]:
    """As a worker's thread does, that goes on holding its place."""
    places: list[slots.Place] = []

    def act() -> Job | None:
        places.append(slots.Place())
        return queue.claim(places[-1].take)

    yield act
    for place in places:
        place.give_back()


def imagine(user: User) -> Job:
    return studio.imagine(user.pk, prompt="a sea")


@pytest.fixture
def edit(person: User, photo_of: Callable[..., Photo]) -> Callable[[], Job]:
    base = photo_of(person)
    return lambda: studio.edit(person.pk, base=base, prompt="brighter")


Claim = Callable[[], Job | None]


def test_this_machine_does_no_more_at_once_than_it_can(person: User, claim: Claim) -> None:
    first, second = imagine(person), imagine(person)
    assert claim() == first
    assert claim() is None
    second.refresh_from_db()
    assert (second.state, second.fence) == (State.QUEUED, 0)


def test_what_is_waited_for_goes_on_while_this_machine_is_busy(
    person: User, claim: Claim, edit: Callable[[], Job]
) -> None:
    first, _second, asked = imagine(person), imagine(person), edit()
    assert [claim(), claim(), claim()] == [first, asked, None]


def test_a_place_given_back_is_there_for_the_next(person: User) -> None:
    first, second = imagine(person), imagine(person)
    with slots.Place() as place:
        assert queue.claim(place.take) == first
    with slots.Place() as place:
        assert queue.claim(place.take) == second


def test_one_provider_has_half_of_the_room_outside_at_most(
    claim: Claim, edit: Callable[[], Job]
) -> None:
    jobs = [edit() for _job in range(3)]
    assert [claim() for _job in jobs] == [*jobs[:2], None]


def test_what_is_waited_for_never_takes_the_room_of_this_machine(person: User) -> None:
    places = [slots.Place() for _place in range(6)]
    names = ("a", "a", "b", "b", "c", "here")
    taken = [p.take(name, Tool.EDIT) for p, name in zip(places, names, strict=True)]
    assert taken == [True, True, True, True, False, True]
    for place in places:
        place.give_back()


def test_a_turn_of_the_assistant_does_not_stand_behind_pictures() -> None:
    with slots.Place() as picture, slots.Place() as talk:
        assert picture.take("here", Tool.IMAGINE)
        assert talk.take("here", Tool.ASSISTANT)


def test_where_the_first_is_full_the_next_in_order_does_it(
    claim: Claim, edit: Callable[[], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    _route(monkeypatch, "edit", "second", order=2)
    for _job in range(3):
        edit()
    assert [claim().provider for _job in range(3)] == ["away", "away", "second"]


def test_checks_of_a_provider_that_hangs_leave_room_for_others(
    claim: Claim, edit: Callable[[], Job], monkeypatch: pytest.MonkeyPatch, person: User
) -> None:
    away = _route(monkeypatch, "tryon", "away")
    away.answer = Waiting("task", check_in=600)
    for _job in range(3):
        edit()
        worker.work()
    Job.objects.update(next_check_at=timezone.now())
    words = imagine(person)
    assert [job.provider for job in (claim(), claim())] == ["away", "away"]
    assert [claim(), claim()] == [words, None]


def test_who_finds_the_room_gone_goes_back_into_line_as_before(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = imagine(person)
    turn = job.turn

    def gone(_job: Job) -> None:
        raise routing.Busy

    monkeypatch.setattr(routing, "confirm", gone)
    assert worker.work()
    job.refresh_from_db()
    assert (job.state, job.slot, job.attempts, job.turn) == (State.QUEUED, None, 0, turn)
    monkeypatch.undo()


def test_whoever_claims_a_job_rings_for_the_next(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    imagine(person)
    imagine(person)
    rung: list[bool] = []
    monkeypatch.setattr(queue, "ring", lambda: rung.append(True))
    monkeypatch.setattr(worker, "make", lambda _job: rung.append(False))
    worker.work()
    assert rung[:2] == [True, False]


def test_what_nobody_had_room_for_is_looked_at_again_when_one_like_it_ends(person: User) -> None:
    first, second = imagine(person), imagine(person)
    shut = queue.Shut()
    with slots.Place() as place:
        assert queue.claim(place.take, shut) == first
        assert queue.claim(slots.Place().take, shut) is None
        assert not queue.is_ready(shut)
        assert queue.is_ready()
    shut.forget(first)
    with slots.Place() as place:
        assert queue.claim(place.take, shut) == second


def test_there_is_a_line_for_this_machine_and_one_for_outside(
    person: User, edit: Callable[[], Job]
) -> None:
    jobs = [edit(), edit(), imagine(person), imagine(person)]
    assert [estimate.position(job) for job in jobs] == [1, 2, 1, 2]


def test_the_estimate_knows_how_much_room_each_kind_has() -> None:
    for name, number in (("worker:a", 2), ("worker:b", 2), ("outside:a", 32)):
        Heartbeat.objects.create(name=name, slots=number)
    assert (estimate.slots("here"), estimate.slots("away")) == (4, 16)
