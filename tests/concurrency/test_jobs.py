"""The queue under many workers at once, and endings that race."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta as td
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from billing import ledger
from billing.models import Entry, Kind
from generation import breaker, ending, photos, queue, studio, worker
from generation.models import BUSY, Attempt, Job, Photo, ProviderSetting, State
from generation.providers.base import TRANSIENT, ProviderError
from telegram_integration.models import User
from tests.conftest import make_person, picture_file

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("provider"),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="needs PostgreSQL: set DATABASE_URL"
    ),
]

Together = Callable[..., list[Any]]
ROUNDS = 50
LONG_AGO = timezone.now() - td(hours=1)


@pytest.fixture(autouse=True)
def _room_for_many(settings: Any) -> None:
    settings.JOBS_WAITING = {"free": 2000, "plan": 2000}


def rich(username: str) -> User:
    user = make_person(username)
    ledger.grant(user.account, Kind.CREDIT, 5000, key=f"rich:{user.pk}", source="grant")
    return user


def ask(user: User, number: int = 1) -> list[Job]:
    return [studio.imagine(user.pk, prompt=f"picture {n}") for n in range(number)]


def line_up(user: User, number: int) -> None:
    """Many jobs at the price of one, in the turns that asking for them would have given."""
    (job,) = ask(user)
    copies = [Job.objects.get(pk=job.pk) for _copy in range(number - 1)]
    for place, copy in enumerate(copies, start=1):
        copy.pk, copy.code, copy.turn = None, uuid.uuid4(), job.turn + place
    Job.objects.bulk_create(copies)


def entries(job: Job) -> Counter[str]:
    """How often the job was charged and refunded."""
    keys = Entry.objects.filter(key__startswith=f"job:{job.code}:").values_list("key", flat=True)
    return Counter(key.rsplit(":", 1)[1] for key in keys)


def test_one_key_sent_16_times_at_once_is_one_job(person: User, together: Together) -> None:
    jobs = together(16, lambda _n: studio.imagine(person.pk, prompt="a sea", key="same", seed=1))
    assert len({job.code for job in jobs}) == 1
    assert Job.objects.count() == 1
    assert entries(jobs[0]) == {"charge": 1}


def test_the_waiting_limit_holds_against_16_at_once(
    settings: Any, together: Together, db: None
) -> None:
    settings.JOBS_WAITING = {"free": 3, "plan": 3}
    user = rich("ann")
    together(16, lambda n: studio.imagine(user.pk, prompt=f"picture {n}"))
    assert Job.objects.filter(owner=user).count() == 3


def test_a_hundred_jobs_are_claimed_once_each_within_each_ones_slots(
    together: Together, db: None
) -> None:
    for name in ("ann", "bob", "eve", "kim", "lee"):
        ask(rich(name), 20)
    crowds: list[int] = []

    def claim_until_empty(_number: int) -> list[Job]:
        mine = []
        while Job.objects.filter(state=State.QUEUED).exists():
            if (job := queue.claim()) is None:
                time.sleep(0.002)
                continue
            running = Job.objects.filter(owner=job.owner_id, state__in=BUSY)
            crowds.append(running.count())
            ending.fail(job, ProviderError("broken"))
            mine.append(job)
        return mine

    hauls = together(16, claim_until_empty)
    claimed = [job.pk for haul in hauls for job in haul]
    assert sorted(claimed) == sorted(Job.objects.values_list("pk", flat=True))
    assert set(Job.objects.values_list("fence", "attempts")) == {(1, 1)}
    assert max(crowds) <= 2


def test_the_last_slot_is_taken_once(together: Together, db: None) -> None:
    ask(rich("ann"), 30)
    for _round in range(10):
        held = [job for job in together(8, lambda _n: queue.claim()) if job]
        assert len(held) == 2, [(job.pk, job.slot) for job in held]
        for job in held:
            ending.fail(job, ProviderError("broken"))


def test_one_persons_thousand_jobs_do_not_keep_anothers_one_waiting(db: None) -> None:
    many, one = rich("ann"), rich("bob")
    line_up(many, 1000)
    (lonely,) = ask(one)
    assert lonely in (queue.claim(), queue.claim())
    (second,) = ask(one)
    claimed = [queue.claim() for _turn in range(2)]
    assert second in claimed


def test_a_frozen_worker_that_wakes_writes_nothing(
    person: User, provider: Any, together: Together
) -> None:
    """Its lease runs out while its provider works; another worker finishes the job meanwhile."""
    (job,) = ask(person)
    frozen, woken = threading.Event(), threading.Event()
    plain = provider.start

    def freeze_the_first(order: Any, report: Any) -> Any:
        first = not provider.orders
        answer = plain(order, lambda *_progress: None)
        if first:
            frozen.set()
            assert woken.wait(20)
        return answer

    provider.start = freeze_the_first

    def workers(which: int) -> None:
        if which == 0:
            worker.work()
            return
        assert frozen.wait(20)
        Job.objects.update(lease_until=LONG_AGO)
        queue.sweep()
        worker.work()
        job.refresh_from_db()
        woken.set()

    together(2, workers)
    state, version = job.state, job.version
    job.refresh_from_db()
    assert (state, job.state, job.version) == ("done", "done", version)
    assert job.fence == 3  # two claims, and the rescue in between
    assert Photo.objects.filter(job=job).count() == 1
    assert entries(job) == {"charge": 1}


def test_cancel_and_success_race_and_exactly_one_wins(together: Together, db: None) -> None:
    user = rich("ann")
    winners: Counter[str] = Counter()
    picture = photos.ingest(user.pk, picture_file())
    for _round in range(ROUNDS):
        (job,) = ask(user)
        held = queue.claim()
        answers = together(2, _race(held, picture))
        job.refresh_from_db()
        winners[job.state] += 1
        assert [type(answer) for answer in answers].count(ending.Lost) == 1
        won = {"charge": 1, "refund": 1} if job.state == State.CANCELLED else {"charge": 1}
        assert entries(job) == won
        assert Photo.objects.filter(job=job).count() == (job.state == State.DONE)
    assert sum(winners.values()) == ROUNDS
    assert set(winners) <= {State.DONE, State.CANCELLED}


def _race(held: Job, picture: Photo) -> Callable[[int], None]:
    def act(which: int) -> None:
        job = Job.objects.get(pk=held.pk)
        if which:
            ending.cancel(job)
        else:
            made = [_copy(picture, job)]
            ending.succeed(job, made, model="race", cost=Decimal(0))

    return act


def _copy(picture: Photo, job: Job) -> Photo:
    kept = ("owner_id", "master", "thumb", "mime", "size", "width", "height", "placeholder")
    fields = {name: getattr(picture, name) for name in kept}
    return Photo(job=job, number=0, digest=f"{job.code.hex}:0", **fields)


def test_a_job_that_fails_and_expires_at_once_is_refunded_once(
    together: Together, db: None
) -> None:
    user = rich("ann")
    for _round in range(20):
        (job,) = ask(user)
        held = queue.claim()
        acts = (ending.expire, lambda job: ending.fail(job, ProviderError("broken")), ending.cancel)
        answers = together(3, lambda n, held=held, acts=acts: acts[n](Job.objects.get(pk=held.pk)))
        assert [type(answer) for answer in answers].count(ending.Lost) == 2
        assert entries(job) == {"charge": 1, "refund": 1}


def test_sweeps_at_once_rescue_a_job_once(person: User, together: Together) -> None:
    (job,) = ask(person)
    queue.claim()
    Job.objects.update(lease_until=LONG_AGO)
    together(8, lambda _n: queue.sweep())
    job.refresh_from_db()
    assert (job.state, job.attempts, job.slot) == (State.QUEUED, 1, None)


def test_a_provider_with_one_place_gets_one_order_from_many_workers(
    provider: Any, together: Together
) -> None:
    ProviderSetting.objects.create(name=provider.name, concurrency=1)
    most = _crowd_at(provider)
    for name in ("ann", "bob", "eve", "kim"):
        ask(rich(name))
    together(8, lambda _n: worker.work())
    assert most() == 1
    assert len(provider.orders) >= 1


def test_a_provider_that_rests_gets_one_probe_from_many_workers(
    provider: Any, together: Together
) -> None:
    ProviderSetting.objects.create(name=provider.name)
    (job,) = ask(rich("lee"))
    provider.answer = ProviderError(TRANSIENT, permanent=False)
    for _order in range(breaker.FAULTS_IN_A_ROW):
        Attempt.objects.create(job=job, provider=provider.name, outcome=TRANSIENT,
                               started_at=LONG_AGO, ended_at=LONG_AGO)  # fmt: skip
    Attempt.objects.update(started_at=timezone.now() - td(seconds=30), ended_at=timezone.now())
    ending.cancel(job)
    for name in ("ann", "bob", "eve", "kim"):
        ask(rich(name))
    together(8, lambda _n: worker.work())
    assert len(provider.orders) == 1


def _crowd_at(provider: Any) -> Callable[[], int]:
    """The most that were asked of it at the same time."""
    plain, counting, inside = provider.start, threading.Lock(), [0, 0]

    def start(order: Any, report: Any) -> Any:
        with counting:
            inside[0] += 1
            inside[1] = max(inside)
        time.sleep(0.05)
        try:
            return plain(order, report)
        finally:
            with counting:
                inside[0] -= 1

    provider.start = start
    return lambda: inside[1]


def test_retry_pressed_by_many_thumbs_is_one_job(person: User, together: Together) -> None:
    (job,) = ask(person)
    studio.cancel(job)
    again = together(8, lambda _n: studio.retry(Job.objects.get(pk=job.pk)).code)
    assert len(set(again)) == 1
    assert Job.objects.count() == 2


def test_the_same_photo_sent_by_many_at_once_is_one_photo(person: User, together: Together) -> None:
    data = picture_file("plum")
    sent = together(8, lambda _n: photos.ingest(person.pk, data).code)
    assert len(set(sent)) == 1
    assert Photo.objects.filter(owner=person).count() == 1
