"""Payments under many hands at once; and a small storm, see `python -m tests.bench.storm`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from billing import ledger, payments
from billing.gateways import sandbox
from billing.models import Payment, Refund, SandboxPayment
from billing.problem import Problem
from telegram_integration.models import User
from tests.bench import storm
from tests.chaos import stand

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="needs PostgreSQL: set DATABASE_URL"
    ),
]

Together = Callable[..., list[Any]]


@pytest.fixture
def payment(person: User, settings: Any) -> Payment:
    """Paid at the sandbox, and we do not know it yet."""
    settings.DEBUG = True
    payment = payments.open(person.pk, "pack-100", gateway="sandbox")
    sandbox.pay(SandboxPayment.objects.get())
    return payment


def test_settled_by_many_at_once_it_is_credited_once(
    person: User, payment: Payment, together: Together
) -> None:
    settled = together(16, lambda _n: payments.settle(Payment.objects.get()).status)
    assert settled == ["succeeded"] * 16
    assert ledger.balance(person.pk).credit == 105


def test_given_back_by_many_at_once_it_goes_back_once(
    person: User, payment: Payment, together: Together
) -> None:
    payments.settle(payment)
    answers = together(16, lambda _n: payments.refund(Payment.objects.get(), None, "race"))
    assert [type(answer) for answer in answers].count(Refund) == 1
    assert all(isinstance(answer, (Refund, Problem)) for answer in answers)
    assert ledger.balance(person.pk).credit == 5


def test_a_tap_of_many_thumbs_is_one_payment(
    person: User, together: Together, settings: Any
) -> None:
    settings.DEBUG = True
    codes = together(
        16, lambda _n: payments.open(person.pk, "pack-100", gateway="sandbox", key="tap").code
    )
    assert len(set(codes)) == 1
    assert (Payment.objects.count(), SandboxPayment.objects.count()) == (1, 1)


def test_a_charge_of_stars_told_by_many_at_once_is_credited_once(
    person: User, together: Together, settings: Any
) -> None:
    settings.DEBUG = True
    User.objects.filter(pk=person.pk).update(telegram_id=7)
    invoice = payments.open(person.pk, "pack-100", gateway="sandbox")
    Payment.objects.update(gateway="stars", gateway_id=None, currency="XTR", amount=150)
    facts = {"amount": 150, "currency": "XTR", "telegram_id": 7}
    together(16, lambda n: payments.stars_paid(str(invoice.code), charge_id=f"stx{n % 2}", **facts))
    assert Payment.objects.filter(status="succeeded").count() == 2
    assert ledger.balance(person.pk).credit == 205


def test_a_storm_of_notifications_credits_each_payment_once() -> None:
    if reason := stand.missing():
        (pytest.fail if os.environ.get("REQUIRE_ALL") else pytest.skip)(reason)
    result = storm.run(orders=100, copies=10, hang_seconds=2)
    assert result.wrong == []
    assert sum(result.statuses.values()) == 1000
    assert result.rows["lots"] == 80
