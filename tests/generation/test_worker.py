"""From a claimed job to its picture, or to the money back."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta as td
from decimal import Decimal

import pytest
from django.utils import timezone
from PIL import Image, ImageChops

from billing import ledger
from billing.audit import findings
from generation import photos, prompts, queue, studio, worker
from generation.models import Job, Photo, State
from generation.providers.base import Done, Order, ProviderError, Report, Waiting
from telegram_integration.models import User
from tests.conftest import Obedient, picture_file

pytestmark = pytest.mark.django_db


def run(job: Job) -> Job:
    assert worker.work()
    return Job.objects.get(pk=job.pk)


def test_a_try_on_is_made_stored_and_shown(
    person: User, provider: Obedient, photo_of: Callable[..., Photo]
) -> None:
    me, shirt = photo_of(person), photo_of(person, "red")
    provider.answer = Done((picture_file("coral"),), "obedient-1", Decimal("2.5"))
    job = run(studio.try_on(person.pk, person=me, item=shirt, zone="body"))
    assert (job.state, job.percent, job.cost, job.model) == (
        State.DONE, 100, Decimal("2.5"), "obedient-1",
    )  # fmt: skip
    made = Image.open(io.BytesIO(photos.read(job.results.get())))
    assert made.size == (320, 400)
    assert ledger.balance(person.pk).credit == 3


def test_the_provider_gets_the_photos_themselves_and_the_zones_prompt(
    person: User, provider: Obedient, photo_of: Callable[..., Photo]
) -> None:
    me, shirt = photo_of(person), photo_of(person, "red")
    run(studio.try_on(person.pk, person=me, item=shirt, zone="neck", seed=9))
    (order,) = provider.orders
    assert order.pictures == (photos.read(me), photos.read(shirt))
    assert (order.prompt, order.seed) == (prompts.DEFAULTS["neck"], 9)


def test_a_failure_gives_everything_back_and_says_why(person: User, provider: Obedient) -> None:
    provider.answer = ProviderError("no_image", "vendor said: boom")
    job = run(studio.imagine(person.pk, prompt="a sea"))
    assert (job.state, job.error_code) == (State.FAILED, "no_image")
    assert ledger.balance(person.pk).credit == 5
    assert findings() == []


def test_a_crash_of_the_adapter_is_a_failure_too(person: User, provider: Obedient) -> None:
    provider.answer = ZeroDivisionError("secret detail")
    job = run(studio.imagine(person.pk, prompt="a sea"))
    assert (job.state, job.error_code) == (State.FAILED, "broken")
    assert ledger.balance(person.pk).credit == 5


@pytest.mark.parametrize("pictures", [(), (b"<html>",), (picture_file()[:500],)])
def test_what_is_no_picture_is_never_delivered(
    person: User, provider: Obedient, pictures: tuple[bytes, ...]
) -> None:
    provider.answer = Done(pictures)
    job = run(studio.imagine(person.pk, prompt="a sea"))
    assert (job.state, job.error_code) == (State.FAILED, "no_image")
    assert not job.results.exists()


def test_a_job_cancelled_while_it_runs_delivers_nothing(
    person: User, provider: Obedient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(order: Order, report: Report) -> Done:
        studio.cancel(Job.objects.get(code=order.code))
        report(50, "fitting")
        raise AssertionError("the report should have said that the job is lost")

    monkeypatch.setattr(provider, "start", start)
    job = run(studio.imagine(person.pk, prompt="a sea"))
    assert (job.state, job.results.count()) == (State.CANCELLED, 0)
    assert ledger.balance(person.pk).credit == 5


def test_a_job_past_its_deadline_stops_between_two_steps(
    person: User, provider: Obedient, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = studio.imagine(person.pk, prompt="a sea")
    Job.objects.update(deadline_at=timezone.now() - td(seconds=1))
    job = run(job)
    assert (job.state, job.error_code) == (State.FAILED, "expired")


def test_an_outside_order_is_checked_until_it_is_done(person: User, provider: Obedient) -> None:
    job = studio.imagine(person.pk, prompt="a sea")
    provider.answer = Waiting("task-1", check_in=0)
    assert run(job).state == State.WAITING
    provider.answer = Done((picture_file(),))
    assert run(job).state == State.DONE
    assert Job.objects.get().attempts == 1


def test_a_photo_deleted_meanwhile_is_said_and_not_charged(
    person: User, provider: Obedient, photo_of: Callable[..., Photo]
) -> None:
    base = photo_of(person)
    job = studio.edit(person.pk, base=base, prompt="brighter")
    photos.forget(base)
    job = run(job)
    assert (job.state, job.error_code) == (State.FAILED, "photo_gone")
    assert ledger.balance(person.pk).credit == 5


def test_only_results_of_free_actions_are_marked(person: User, provider: Obedient) -> None:
    drawn = picture_file("navy", (640, 640), "PNG")
    plain = Image.open(io.BytesIO(drawn))
    provider.answer = Done((drawn,))
    paid = run(studio.imagine(person.pk, prompt="a sea"))
    assert not difference(paid, plain)
    studio.imagine(person.pk, prompt="a sea", count=4)
    free = studio.imagine(person.pk, prompt="a sea")
    queue.claim()
    assert difference(run(free), plain)


def difference(job: Job, plain: Image.Image) -> tuple[int, int, int, int] | None:
    made = Image.open(io.BytesIO(photos.read(job.results.get()))).convert("RGB")
    return ImageChops.difference(made, plain).getbbox()


def test_progress_never_goes_back(person: User, provider: Obedient) -> None:
    studio.imagine(person.pk, prompt="a sea")
    job = queue.claim()
    report = worker.reporter(job)
    report(60, "fitting")
    report(20, "blending")
    assert Job.objects.get().percent == 60
