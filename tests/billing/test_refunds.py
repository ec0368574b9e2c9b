"""Money goes back once, with what is left of that purchase and of no other."""

from __future__ import annotations

from datetime import timedelta as td
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing import gateways, ledger, payments
from billing.models import Payment, Price, Refund, Subscription
from billing.problem import Problem
from telegram_integration.models import User
from tests.vendors.stub import Answer
from tests.vendors.yookassa import REFUNDS, YooKassaStub

pytestmark = pytest.mark.django_db

SERVER_ERROR = Answer(500, {"type": "error", "code": "internal_server_error"})
NO_MONEY = Answer(403, {"type": "error", "code": "insufficient_funds"})


def paid(user: User, stub: YooKassaStub, product: str = "pack-100", **options: Any) -> Payment:
    payment = payments.open(user.pk, product, gateway="yookassa", **options)
    stub.pay(payment.gateway_id)
    return payments.settle(payment)


def spend(user: User, units: int) -> None:
    price = Price(tool="edit", credits=1, actions=1)
    ledger.charge(user.pk, price, key=f"job:{units}:charge", reason="edit", count=units)


def credits(user: User) -> int:
    return ledger.balance(user.pk).credit


def test_a_purchase_given_back_takes_all_that_is_left_of_it(
    person: User, yookassa: YooKassaStub
) -> None:
    payment = paid(person, yookassa)
    spend(person, 45)
    assert credits(person) == 60
    refund = payments.refund(payment, Decimal("199"), "asked for it", person)
    assert (refund.status, refund.units, refund.author) == ("succeeded", 60, person)
    assert credits(person) == 0
    assert Payment.objects.get().refunded == Decimal("199.00")


def test_another_purchase_is_not_touched(person: User, yookassa: YooKassaStub) -> None:
    first, second = paid(person, yookassa), paid(person, yookassa, "pack-300")
    payments.refund(first, None, "asked for it")
    second.lot.refresh_from_db()
    assert second.lot.remaining == 300
    assert credits(person) == 305


def test_a_part_takes_its_share_of_the_units_rounded_up(
    person: User, yookassa: YooKassaStub
) -> None:
    payment = paid(person, yookassa)
    assert payments.refund(payment, Decimal("10"), "a part").units == 6
    assert credits(person) == 99
    assert payments.refund(payment, Decimal("189"), "the rest").units == 94
    assert credits(person) == 5
    assert Payment.objects.get().refunded == Decimal("199.00")


def test_what_was_spent_is_not_taken_from_elsewhere(person: User, yookassa: YooKassaStub) -> None:
    payment = paid(person, yookassa)
    spend(person, 104)
    assert payments.refund(payment, Decimal("100"), "a part").units == 1
    assert credits(person) == 0


@pytest.mark.parametrize("amount", ["0", "-1", "199.01", "1.001"])
def test_only_what_was_paid_can_be_given_back(
    person: User, yookassa: YooKassaStub, amount: str
) -> None:
    payment = paid(person, yookassa)
    with pytest.raises(Problem, match="refund_amount"):
        payments.refund(payment, Decimal(amount), "x")
    assert not yookassa.requests_to(REFUNDS)


def test_what_was_not_paid_cannot_be_given_back(person: User, yookassa: YooKassaStub) -> None:
    payment = payments.open(person.pk, "pack-100", gateway="yookassa")
    with pytest.raises(Problem, match="refund_not_paid"):
        payments.refund(payment, None, "x")


def test_one_refund_at_a_time(person: User, yookassa: YooKassaStub) -> None:
    payment = paid(person, yookassa)
    yookassa.script(REFUNDS, SERVER_ERROR)
    payments.refund(payment, Decimal("10"), "first")
    with pytest.raises(Problem, match="refund_going_on"):
        payments.refund(payment, Decimal("10"), "second")


def test_the_database_refuses_a_second_one_on_its_way(person: User, yookassa: YooKassaStub) -> None:
    payment = paid(person, yookassa)
    yookassa.script(REFUNDS, SERVER_ERROR)
    first = payments.refund(payment, Decimal("10"), "first")
    with pytest.raises(IntegrityError), transaction.atomic():
        Refund.objects.create(payment=payment, amount=first.amount, idempotence_key="2", reason="x")


def test_a_refusal_brings_the_units_back(person: User, yookassa: YooKassaStub) -> None:
    payment = paid(person, yookassa)
    yookassa.script(REFUNDS, NO_MONEY)
    refund = payments.refund(payment, None, "asked for it")
    assert (refund.status, refund.trouble) == ("canceled", "insufficient_funds")
    assert credits(person) == 105
    assert payments.refund(payment, None, "once more").status == "succeeded"
    assert credits(person) == 5


def later(refund: Refund, **ago: float) -> Refund:
    Refund.objects.filter(pk=refund.pk).update(created_at=timezone.now() - td(**ago))
    payments.check_refunds()
    refund.refresh_from_db()
    return refund


def test_an_answer_that_was_lost_is_asked_for_with_the_same_key(
    person: User, yookassa: YooKassaStub
) -> None:
    payment = paid(person, yookassa)
    yookassa.lost = 1
    refund = payments.refund(payment, None, "asked for it")
    assert (refund.status, credits(person)) == ("pending", 5)
    assert later(refund, minutes=2).status == "succeeded"
    assert len(yookassa.refunds) == 1
    assert len({r.headers["idempotence-key"] for r in yookassa.requests_to(REFUNDS)}) == 1


def test_a_refund_on_its_way_is_asked_after(person: User, yookassa: YooKassaStub) -> None:
    payment = paid(person, yookassa)
    yookassa.refund_status = "pending"
    refund = payments.refund(payment, None, "asked for it")
    assert refund.status == "pending"
    yookassa.refunds[refund.gateway_id]["status"] = "succeeded"
    assert later(refund, minutes=2).status == "succeeded"


def test_a_refund_whose_key_is_forgotten_is_looked_for(
    person: User, yookassa: YooKassaStub
) -> None:
    payment = paid(person, yookassa)
    yookassa.lost = 1
    refund = payments.refund(payment, None, "asked for it")
    assert later(refund, hours=24).status == "succeeded"
    assert len(yookassa.refunds) == 1


def test_a_refund_that_was_never_made_gives_the_units_back(
    person: User, yookassa: YooKassaStub
) -> None:
    payment = paid(person, yookassa)
    yookassa.script(REFUNDS, SERVER_ERROR)
    refund = payments.refund(payment, None, "asked for it")
    assert later(refund, hours=24).trouble == "never_made"
    assert (credits(person), yookassa.refunds) == (105, {})


def test_a_plan_given_back_ends_and_is_not_renewed(person: User, yookassa: YooKassaStub) -> None:
    payment = paid(person, yookassa, "basic", save_method=True)
    assert ledger.has_plan(person.pk)
    payments.refund(payment, None, "asked for it")
    assert not ledger.has_plan(person.pk)
    assert not Subscription.objects.get().renews


def test_a_refund_made_in_the_shops_cabinet_takes_the_units_too(
    person: User, yookassa: YooKassaStub
) -> None:
    payment = paid(person, yookassa)
    theirs = yookassa.give_back(payment.gateway_id, {"value": "199.00", "currency": "RUB"})
    for _time in range(2):
        seen = gateways.gateway("yookassa").look_refund(theirs["id"])
        refund = payments.refund_arrived("yookassa", seen)
    assert (refund.status, refund.units, refund.reason) == ("succeeded", 100, "made at the gateway")
    assert (credits(person), Refund.objects.count()) == (5, 1)
    assert Payment.objects.get().refunded == Decimal("199.00")
