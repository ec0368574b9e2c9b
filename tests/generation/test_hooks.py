"""A vendor calls: whatever it says, the truth is asked for, and the person pays once or nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import timedelta as td
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from billing import ledger
from billing.audit import findings
from generation import hooks, queue, studio, worker
from generation.models import Job, ProviderSetting, Route, State
from telegram_integration.models import User
from tests.vendors.kie import CREATE, KEY, RECORD, KieStub

pytestmark = pytest.mark.django_db

SITE = "https://studio.example.com"
SECRET = "webhook-secret"


@pytest.fixture
def vendor(settings: Any) -> Iterator[KieStub]:
    """kie.ai, and nobody else to ask."""
    settings.SITE_URL, settings.PROVIDER, settings.PROVIDER_KEYS = SITE, "", {"kie": KEY}
    Route.objects.all().delete()
    with KieStub() as stub:
        options = {"upload_url": stub.url, "hosts": [stub.url], "poll_seconds": 60}
        ProviderSetting.objects.filter(name="kie").update(base_url=stub.url, options=options)
        Route.objects.create(tool="imagine", provider=ProviderSetting.objects.get(name="kie"))
        yield stub
    assert stub.mistakes == []


@pytest.fixture
def job(person: User, vendor: KieStub) -> Job:
    """An order that kie works on; the clock asks for it in a minute."""
    job = studio.imagine(person.pk, prompt="a lighthouse")
    worker.work()
    job.refresh_from_db()
    assert job.state == State.WAITING
    return job


def address_of(job: Job) -> str:
    return hooks.address(job).removeprefix(SITE)


def call(job: Job, task: str | None = None, **headers: str) -> HttpResponse:
    """What kie sends at the end, which says that all went well."""
    data = {"taskId": task or job.provider_ref, "state": "success", "resultJson": "{}"}
    body = json.dumps({"code": 200, "msg": "success", "data": data})
    return Client(enforce_csrf_checks=True).post(
        address_of(job), body, content_type="application/json", headers=headers
    )


def is_due(job: Job) -> bool:
    return Job.objects.ready().filter(pk=job.pk).exists()


def signed(task: str, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(time.time()))
    digest = hmac.digest(secret.encode(), f"{task}.{stamp}".encode(), hashlib.sha256)
    signature = base64.b64encode(digest).decode()
    return {"X-Webhook-Timestamp": stamp, "X-Webhook-Signature": signature}


def test_the_vendor_is_told_where_to_call(vendor: KieStub, job: Job) -> None:
    (order,) = vendor.requests_to(CREATE)
    assert order.json["callBackUrl"] == SITE + address_of(job)
    assert f"/hooks/kie/{job.code}/" in address_of(job)


@pytest.mark.parametrize(
    "site",
    [
        "http://127.0.0.1:8000", "http://studio.example.com", "https://localhost",
        "https://studio.local", "https://studio", "https://192.168.1.4", "https://10.0.0.1",
        "https://[::1]",
    ],
)  # fmt: skip
def test_where_nobody_could_call_no_address_is_given(
    person: User, vendor: KieStub, settings: Any, site: str
) -> None:
    settings.SITE_URL = site
    studio.imagine(person.pk, prompt="a lighthouse")
    worker.work()
    assert "callBackUrl" not in vendor.requests_to(CREATE)[0].json


def test_a_call_has_the_order_looked_at_now(person: User, job: Job) -> None:
    assert not is_due(job)
    assert call(job).status_code == 200
    assert is_due(job)
    worker.work()
    job.refresh_from_db()
    assert (job.state, ledger.balance(person.pk).credit) == (State.DONE, 4)


def test_the_body_is_not_believed(vendor: KieStub, job: Job) -> None:
    vendor.states = ["generating"]
    call(job)
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.results.count()) == (State.WAITING, 0)


def test_three_calls_are_one_picture_and_one_charge(
    person: User, vendor: KieStub, job: Job
) -> None:
    assert [call(job).status_code for _call in range(3)] == [200] * 3
    while worker.work():
        pass
    assert call(job).status_code == 200
    assert len(vendor.requests_to(RECORD)) == 1
    assert job.results.count() == 1
    assert ledger.balance(person.pk).credit == 4
    assert findings() == []


def test_a_call_after_the_end_changes_nothing(person: User, job: Job) -> None:
    call(job)
    worker.work()
    before = Job.objects.values().get()
    assert call(job).status_code == 200
    assert Job.objects.values().get() == before


@pytest.mark.parametrize("swept", [False, True], ids=["before the sweep", "after it"])
def test_a_call_past_the_deadline_brings_nothing_back(person: User, job: Job, swept: bool) -> None:
    Job.objects.update(deadline_at=timezone.now() - td(seconds=1))
    if swept:
        queue.sweep()
    assert call(job).status_code == 200
    assert not is_due(job)
    queue.sweep()
    job.refresh_from_db()
    assert (job.state, ledger.balance(person.pk).credit) == (State.FAILED, 5)


def test_a_call_about_another_order_wakes_neither(person: User, job: Job) -> None:
    other = studio.imagine(person.pk, prompt="a sea")
    worker.work()
    other.refresh_from_db()
    assert call(job, other.provider_ref).status_code == 200
    assert call(job, "task_of_nobody").status_code == 200
    assert not is_due(job)
    assert not is_due(other)


def test_a_call_before_we_know_the_order_does_nothing(person: User, vendor: KieStub) -> None:
    job = studio.imagine(person.pk, prompt="a lighthouse")
    job.provider_ref = "task_early"
    assert call(job).status_code == 200
    assert Job.objects.get().state == State.QUEUED


def test_without_any_call_the_clock_asks(person: User, job: Job) -> None:
    Job.objects.update(next_check_at=timezone.now())
    worker.work()
    job.refresh_from_db()
    assert (job.state, ledger.balance(person.pk).credit) == (State.DONE, 4)


def test_with_a_key_only_a_signed_call_counts(job: Job, settings: Any) -> None:
    settings.PROVIDER_WEBHOOK_KEYS = {"kie": SECRET}
    task = job.provider_ref
    for headers in ({}, signed(task, "guessed"), signed("another")):
        assert call(job, **headers).status_code == 403
        assert not is_due(job)
    assert call(job, **signed(task)).status_code == 200
    assert is_due(job)


def test_an_address_that_we_did_not_make_is_not_there(job: Job, stranger: User) -> None:
    other = studio.imagine(stranger.pk, prompt="a sea")
    good = address_of(job)
    token = hooks.token_of(job.code)
    for bad in (
        good.replace(token, "0" * 64), good.replace(token, "ы"), good.replace("kie", "nobody"),
        good.replace("kie", "local"), good.replace(token, hooks.token_of(other.code)),
    ):  # fmt: skip
        assert Client().post(bad, "{}", content_type="application/json").status_code == 404


@pytest.mark.parametrize("method", ["get", "put", "delete", "head"])
def test_only_a_post_is_a_call(job: Job, method: str) -> None:
    assert getattr(Client(), method)(address_of(job)).status_code == 405


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"task", 400), (b"\xff", 400), (b"[" * 100_000, 400),
        (b"[]", 200), (b"null", 200), (b'{"data": 7}', 200), (b'{"taskId": ["x"]}', 200),
        (b'"' + b"x" * hooks.BODY_BYTES + b'"', 413),
    ],
    ids=["empty", "text", "bytes", "deep", "list", "null", "number", "odd id", "giant"],
)  # fmt: skip
def test_a_body_that_says_nothing_does_nothing(job: Job, body: bytes, status: int) -> None:
    answer = Client().post(address_of(job), body, content_type="application/json")
    assert answer.status_code == status
    assert not is_due(job)
