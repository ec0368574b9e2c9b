"""A crash between an order and its ref: the order is found again, and not bought twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta as td
from typing import Any

import pytest
from django.utils import timezone

from billing import ledger
from generation import queue, studio, tasks, worker
from generation.models import Attempt, Job, ProviderSetting, Route, State
from telegram_integration.models import User
from tests.generation.providers.test_comfyui import FLOWS
from tests.vendors.comfyui import ComfyUIStub
from tests.vendors.stub import Answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def vendor(settings: Any) -> Iterator[ComfyUIStub]:
    """A ComfyUI, and nobody else to ask."""
    settings.PROVIDER = ""
    Route.objects.all().delete()
    with ComfyUIStub() as stub:
        options = {"workflows": FLOWS, "gone_seconds": 0.05}
        ProviderSetting.objects.filter(name="comfyui").update(base_url=stub.url, options=options)
        Route.objects.create(tool="imagine", provider=ProviderSetting.objects.get(name="comfyui"))
        yield stub
    assert stub.mistakes == []


class Crash(BaseException):
    """The worker is gone, as after kill -9: nothing is caught or written any more."""


def crash_after_the_order(person: User, monkeypatch: pytest.MonkeyPatch) -> Job:
    """The vendor has the order; we never wrote its ref down. The lease has run out since."""
    job = studio.imagine(person.pk, prompt="a lighthouse")

    def die(*_args: object, **_kwargs: object) -> None:
        raise Crash

    with monkeypatch.context() as dying:
        dying.setattr(queue, "put_aside", die)
        with pytest.raises(Crash):
            worker.work()
    Job.objects.update(lease_until=timezone.now() - td(seconds=1))
    queue.sweep()
    job.refresh_from_db()
    assert (job.state, job.provider_ref) == (State.QUEUED, "")
    return job


def finish(job: Job) -> Job:
    for _turn in range(4):
        Job.objects.filter(state=State.WAITING).update(next_check_at=timezone.now())
        worker.work()
    job.refresh_from_db()
    return job


@pytest.mark.parametrize("state", ["pending", "running", "done"])
def test_an_order_that_a_crash_left_behind_is_found_and_not_made_again(
    person: User, vendor: ComfyUIStub, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    vendor.course = [state, "done"]
    job = finish(crash_after_the_order(person, monkeypatch))
    assert (job.state, job.provider_ref) == (State.DONE, str(job.code))
    assert len(vendor.requests_to("/prompt")) == 1
    assert list(vendor.prompts) == [str(job.code)]
    assert ledger.balance(person.pk).credit == 4


def test_an_order_that_never_arrived_is_made_once(
    person: User, vendor: ComfyUIStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = crash_after_the_order(person, monkeypatch)
    vendor.prompts.clear()
    assert finish(job).state == State.DONE
    assert len(vendor.requests_to("/prompt")) == 2


def test_while_the_vendor_cannot_be_asked_nothing_is_ordered(
    person: User, vendor: ComfyUIStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = crash_after_the_order(person, monkeypatch)
    vendor.script("/queue", Answer(503))
    assert finish(job).state == State.DONE
    assert len(vendor.requests_to("/prompt")) == 1


def test_a_first_order_asks_for_nothing_before_it(person: User, vendor: ComfyUIStub) -> None:
    studio.imagine(person.pk, prompt="a lighthouse")
    worker.work()
    assert [request.path for request in vendor.asked] == ["/prompt"]
    assert Attempt.objects.count() == 1


def test_a_cancelled_order_leaves_the_vendors_queue(person: User, vendor: ComfyUIStub) -> None:
    vendor.course = ["pending"]
    job = studio.imagine(person.pk, prompt="a lighthouse")
    worker.work()
    job.refresh_from_db()
    studio.cancel(job)
    tasks.stop(str(job.code), job.provider_ref)
    assert vendor.prompts == {}
    assert ledger.balance(person.pk).credit == 5
