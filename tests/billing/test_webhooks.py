"""YooKassa calls: from its own networks only, and whatever it says, its API is asked."""

from __future__ import annotations

import json
from datetime import timedelta as td
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from billing import ledger, notifications, payments, tasks
from billing.models import Notification, Payment
from telegram_integration.models import User
from tests.vendors.stub import Answer
from tests.vendors.yookassa import PAYMENTS, YooKassaStub

pytestmark = pytest.mark.django_db

HOOK = "/hooks/yookassa/"
GOOD = "185.71.76.5"
SERVER_ERROR = Answer(500, {"type": "error", "code": "internal_server_error"})


@pytest.fixture
def payment(person: User, yookassa: YooKassaStub) -> Payment:
    return payments.open(person.pk, "pack-100", gateway="yookassa")


def call(
    object_id: str, event: str = "payment.succeeded", *, source: str = GOOD, **headers: str
) -> HttpResponse:
    """The body claims all that a forger would like to be true."""
    thing = {"id": object_id, "status": "succeeded", "amount": {"value": "9", "currency": "RUB"}}
    body = json.dumps({"type": "notification", "event": event, "object": thing})
    return send(body, source=source, **headers)


def send(body: str | bytes, *, source: str = GOOD, **headers: str) -> HttpResponse:
    client = Client(enforce_csrf_checks=True, REMOTE_ADDR=source)
    return client.post(HOOK, body, content_type="application/json", headers=headers)


def credits(user: User) -> int:
    return ledger.balance(user.pk).credit


def test_a_call_is_kept_and_answered_without_asking_anybody(
    payment: Payment, yookassa: YooKassaStub
) -> None:
    before = len(yookassa.asked)
    assert call(payment.gateway_id).status_code == 200
    row = Notification.objects.get()
    assert (row.object_id, row.source, row.done_at) == (payment.gateway_id, GOOD, None)
    assert len(yookassa.asked) == before


def test_what_was_paid_is_credited_as_soon_as_it_is_looked_into(
    person: User, payment: Payment, yookassa: YooKassaStub
) -> None:
    yookassa.pay(payment.gateway_id)
    call(payment.gateway_id)
    tasks.look_into()
    assert credits(person) == 105
    assert Notification.objects.get().outcome == "succeeded"


def test_a_claim_that_is_not_true_credits_nothing(
    person: User, payment: Payment, yookassa: YooKassaStub
) -> None:
    call(payment.gateway_id)
    tasks.look_into()
    assert credits(person) == 5
    assert Notification.objects.get().outcome == "pending"


def test_many_calls_in_any_order_are_one_credit(
    person: User, payment: Payment, yookassa: YooKassaStub
) -> None:
    yookassa.pay(payment.gateway_id)
    for event in ("payment.canceled", "payment.succeeded", "payment.waiting_for_capture") * 3:
        call(payment.gateway_id, event)
        tasks.look_into()
    assert credits(person) == 105
    assert Notification.objects.count() == 3


def test_a_call_that_came_too_early_counts_when_it_comes_again(
    person: User, payment: Payment, yookassa: YooKassaStub
) -> None:
    call(payment.gateway_id)
    tasks.look_into()
    yookassa.pay(payment.gateway_id)
    call(payment.gateway_id)
    tasks.look_into()
    assert credits(person) == 105


def test_a_settled_payment_is_not_asked_about_again(
    payment: Payment, yookassa: YooKassaStub
) -> None:
    yookassa.pay(payment.gateway_id)
    call(payment.gateway_id)
    tasks.look_into()
    before = len(yookassa.asked)
    call(payment.gateway_id)
    call(payment.gateway_id, "payment.canceled")
    tasks.look_into()
    assert len(yookassa.asked) == before


def test_a_forged_id_is_asked_about_once_and_credits_nothing(
    person: User, payment: Payment, yookassa: YooKassaStub
) -> None:
    before = len(yookassa.asked)
    for event in ("payment.succeeded", "payment.canceled", "payment.succeeded"):
        call("2d6d0000-000f-5000-8000-000000000000", event)
        tasks.look_into()
    assert len(yookassa.asked) == before + 1
    assert credits(person) == 5


def test_an_odd_id_is_not_asked_about(payment: Payment, yookassa: YooKassaStub) -> None:
    before = len(yookassa.asked)
    call("../refunds/1")
    tasks.look_into()
    assert len(yookassa.asked) == before
    assert Notification.objects.get().outcome == "unknown"


def test_a_payment_whose_answer_was_lost_is_found_by_our_order(
    person: User, yookassa: YooKassaStub
) -> None:
    yookassa.lost = 1
    payment = payments.open(person.pk, "pack-100", gateway="yookassa")
    (gateway_id,) = yookassa.payments
    yookassa.pay(gateway_id)
    call(gateway_id)
    tasks.look_into()
    payment.refresh_from_db()
    assert (payment.status, payment.gateway_id) == ("succeeded", gateway_id)
    assert credits(person) == 105


def test_a_refund_in_the_cabinet_is_heard_of(
    person: User, payment: Payment, yookassa: YooKassaStub
) -> None:
    yookassa.pay(payment.gateway_id)
    payments.settle(payment)
    theirs = yookassa.give_back(payment.gateway_id, {"value": "199.00", "currency": "RUB"})
    for _time in range(2):
        call(theirs["id"], "refund.succeeded")
        tasks.look_into()
    assert credits(person) == 5
    assert payment.refunds.count() == 1


def test_while_the_api_is_away_calls_are_kept_and_looked_into_afterwards(
    person: User, payment: Payment, yookassa: YooKassaStub
) -> None:
    yookassa.pay(payment.gateway_id)
    yookassa.script(f"{PAYMENTS}/{payment.gateway_id}", SERVER_ERROR)
    assert call(payment.gateway_id).status_code == 200
    tasks.look_into()
    assert credits(person) == 5
    with time_machine.travel(timezone.now() + td(seconds=30), tick=False):
        tasks.sweep()
    assert credits(person) == 105


def test_two_rounds_at_once_ask_once(payment: Payment, yookassa: YooKassaStub) -> None:
    call(payment.gateway_id)
    (row,) = Notification.objects.all()
    assert notifications._claim(row)
    assert not notifications._claim(row)


@pytest.mark.parametrize(
    "source",
    ["127.0.0.1", "185.71.75.255", "185.71.76.32", "77.75.156.12", "2a02:5181::1", ""],
)
def test_others_are_not_heard(payment: Payment, source: str) -> None:
    assert call(payment.gateway_id, source=source).status_code == 403
    assert not Notification.objects.exists()


@pytest.mark.parametrize(
    "source",
    ["185.71.76.31", "77.75.156.35", "77.75.154.128", "2a02:5180::7", "::ffff:185.71.77.1"],
)
def test_the_gateways_own_networks_are_heard(payment: Payment, source: str) -> None:
    assert call(payment.gateway_id, source=source).status_code == 200
    assert Notification.objects.count() == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": GOOD}, {"X-Real-IP": GOOD}, {"Forwarded": f"for={GOOD}"},
        {"X-Forwarded-For": f"{GOOD}, {GOOD}"}, {"True-Client-IP": GOOD},
    ],
    ids=["forwarded for", "real ip", "forwarded", "two", "true client"],
)  # fmt: skip
def test_without_a_trusted_proxy_no_header_counts(
    payment: Payment, headers: dict[str, str]
) -> None:
    assert call(payment.gateway_id, source="203.0.113.9", **headers).status_code == 403
    assert call(payment.gateway_id, **dict.fromkeys(headers, "203.0.113.9")).status_code == 200


@pytest.mark.parametrize(
    ("passed", "status"),
    [
        (GOOD, 200), (f"203.0.113.9, {GOOD}", 200), (f"{GOOD}, 203.0.113.9", 403),
        (f"{GOOD}, {GOOD}, 203.0.113.9", 403), ("", 403), ("junk", 403), (f"{GOOD},", 403),
    ],
    ids=["itself", "a liar before", "spoofed", "spoofed twice", "none", "junk", "empty"],
)  # fmt: skip
def test_one_trusted_proxy_vouches_for_the_last_address(
    payment: Payment, settings: Any, passed: str, status: int
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    answer = call(payment.gateway_id, source="10.0.0.1", **{"X-Forwarded-For": passed})
    assert answer.status_code == status


def test_two_trusted_proxies_vouch_for_the_second_from_the_right(
    payment: Payment, settings: Any
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 2}
    for passed, status in ((f"{GOOD}, 10.0.0.2", 200), (f"{GOOD}, 1.2.3.4, 10.0.0.2", 403),
                           (GOOD, 403)):  # fmt: skip
        answer = call(payment.gateway_id, source="10.0.0.1", **{"X-Forwarded-For": passed})
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"\xff\xfe", 400), (b"[" * 50_000, 400), (b"[]", 400),
        (b"null", 400), (b'{"event": "payment.succeeded"}', 400),
        (b'{"event": 1, "object": {"id": "x"}}', 400),
        (b'{"event": "payment.succeeded", "object": {"id": ["x"]}}', 400),
        (b'{"event": "payment.succeeded", "object": {"id": ""}}', 400),
        (b'{"event": "payment.succeeded", "object": {"id": "\\u0000"}}', 400),
        (b'{"event": "payment.succeeded", "object": {"id": "' + b"x" * 201 + b'"}}', 400),
        (b'{"event": "payout.succeeded", "object": {"id": "x"}}', 200),
        (b" " * 64 * 1024 + b"{}", 413),
    ],
    ids=["empty", "cut", "bytes", "deep", "list", "null", "no object", "odd event", "odd id",
         "no id", "zero", "long id", "another event", "giant"],
)  # fmt: skip
def test_a_body_that_says_nothing_is_not_kept(db: None, body: bytes, status: int) -> None:
    assert send(body).status_code == status
    assert not Notification.objects.exists()


@pytest.mark.parametrize("method", ["get", "put", "delete", "head"])
def test_only_a_post_is_a_call(db: None, method: str) -> None:
    assert getattr(Client(REMOTE_ADDR=GOOD), method)(HOOK).status_code == 405


def test_while_one_round_waits_for_the_gateway_another_does_not(
    payment: Payment, yookassa: YooKassaStub
) -> None:
    call(payment.gateway_id)
    with tasks._looking:
        tasks.look_into()
        tasks.sweep()
    assert Notification.objects.get().tries == 0
    tasks.sweep()
    assert Notification.objects.get().tries == 1
