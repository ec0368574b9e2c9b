"""Every night our books are held against the gateway's: each planted difference is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta as td
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from billing import ledger, payments, tasks
from billing.models import Audit, Payment
from billing.reconciling import reconcile
from telegram_integration.models import User
from tests.vendors.stub import Answer
from tests.vendors.yookassa import PAYMENTS, YooKassaStub

pytestmark = pytest.mark.django_db

HOUR = td(hours=1)


@pytest.fixture
def payment(person: User, yookassa: YooKassaStub) -> Payment:
    """Bought and paid an hour ago, in both books."""
    with time_machine.travel(timezone.now() - HOUR, tick=False):
        payment = payments.open(person.pk, "pack-100", gateway="yookassa")
        yookassa.pay(payment.gateway_id)
        return payments.settle(payment)


def look() -> Audit:
    return reconcile("yookassa", timezone.now())


def test_books_that_agree_find_nothing(payment: Payment) -> None:
    audit = look()
    assert (audit.findings, audit.looked_at, audit.sort) == ([], 1, "yookassa")


def test_a_refund_that_both_know_is_no_difference(payment: Payment) -> None:
    payments.refund(payment, Decimal("50"), "a part")
    assert look().findings == []


def amount_there(payment: Payment, stub: YooKassaStub) -> str:
    stub.payments[payment.gateway_id]["amount"] = {"value": "1.00", "currency": "RUB"}
    return f"payment {payment.code}: amount is 199.00 here and 1.00 there"


def missing_there(payment: Payment, stub: YooKassaStub) -> str:
    del stub.payments[payment.gateway_id]
    return f"payment {payment.code}: paid by our books, yookassa has no {payment.gateway_id}"


def unpaid_there(payment: Payment, stub: YooKassaStub) -> str:
    stub.cancel(payment.gateway_id)
    return f"payment {payment.code}: status is succeeded here and canceled there"


def refunded_there(payment: Payment, stub: YooKassaStub) -> str:
    stub.give_back(payment.gateway_id, {"value": "10.00", "currency": "RUB"})
    return f"payment {payment.code}: refunded is 0.00 here and 10.00 there"


def foreign_there(payment: Payment, stub: YooKassaStub) -> str:
    copy = dict(stub.payments[payment.gateway_id], id="another", metadata={})
    stub.payments["another"] = copy
    return "yookassa another: 199.00 RUB paid there, not in our books"


@pytest.mark.parametrize(
    "plant", [amount_there, missing_there, unpaid_there, refunded_there, foreign_there]
)
def test_a_planted_difference_is_found(
    payment: Payment,
    yookassa: YooKassaStub,
    caplog: pytest.LogCaptureFixture,
    plant: Callable[[Payment, YooKassaStub], str],
) -> None:
    expected = plant(payment, yookassa)
    assert look().findings == [expected]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_what_we_only_missed_is_settled_and_no_difference(
    person: User, yookassa: YooKassaStub
) -> None:
    with time_machine.travel(timezone.now() - HOUR, tick=False):
        payment = payments.open(person.pk, "pack-100", gateway="yookassa")
    yookassa.pay(payment.gateway_id)
    assert look().findings == []
    assert ledger.balance(person.pk).credit == 105


def test_what_happens_at_this_moment_is_left_for_tomorrow(
    person: User, yookassa: YooKassaStub
) -> None:
    payment = payments.open(person.pk, "pack-100", gateway="yookassa")
    yookassa.pay(payment.gateway_id)
    payments.settle(payment)
    assert (look().findings, look().looked_at) == ([], 0)


def test_a_gateway_that_cannot_be_asked_is_a_finding(
    payment: Payment, yookassa: YooKassaStub
) -> None:
    yookassa.script(PAYMENTS, Answer(500, {"code": "internal_server_error"}))
    assert look().findings == ["yookassa could not be asked: internal_server_error"]


def test_the_night_looks_at_each_gateway_that_is_set_up(payment: Payment) -> None:
    tasks.reconcile()
    assert [audit.sort for audit in Audit.objects.all()] == ["yookassa"]
