"""A plan's next period is charged once for each try, with a key of its own."""

from __future__ import annotations

from datetime import timedelta as td
from typing import Any

import pytest
import time_machine

from billing import ledger, payments, subscriptions, tasks
from billing.models import Payment, Subscription
from telegram_integration.models import User
from tests.vendors.stub import Answer
from tests.vendors.yookassa import PAYMENTS, YooKassaStub

pytestmark = pytest.mark.django_db

SERVER_ERROR = Answer(500, {"type": "error", "code": "internal_server_error"})


@pytest.fixture
def plan(person: User, yookassa: YooKassaStub) -> Subscription:
    """Basic, bought a moment ago with consent to renewals."""
    payment = payments.open(person.pk, "basic", gateway="yookassa", save_method=True)
    yookassa.pay(payment.gateway_id)
    payments.settle(payment)
    yookassa.asked.clear()
    return Subscription.objects.get()


def at_the_end(plan: Subscription, days: float = 0) -> Any:
    return time_machine.travel(plan.ends_at + td(days=days, seconds=1), tick=False)


def test_a_renewal_word_for_word(plan: Subscription, yookassa: YooKassaStub) -> None:
    payment = payments.renew(plan)
    (request,) = (request for request in yookassa.asked if request.method == "POST")
    assert request.json == {
        "amount": {"value": "299.00", "currency": "RUB"},
        "capture": True,
        "description": f"Plan “Basic”, 30 days · {payment.code}",
        "metadata": {"order": str(payment.code)},
        "merchant_customer_id": plan.account.invite_code,
        "payment_method_id": plan.method,
    }
    key = f"renewal:{plan.pk}:{plan.ends_at.isoformat()}:0"
    assert request.headers["idempotence-key"] == key
    assert len(key) <= 64


def test_at_the_end_the_plan_is_charged_and_goes_on(
    person: User, plan: Subscription, yookassa: YooKassaStub
) -> None:
    tasks.renew()
    assert not yookassa.asked
    with at_the_end(plan):
        for _time in range(3):
            tasks.renew()
        assert ledger.balance(person.pk).plan == 50
    assert Payment.objects.filter(purpose="renewal", status="succeeded").count() == 1
    assert len([request for request in yookassa.asked if request.method == "POST"]) == 1


def test_what_is_left_is_kept_when_it_is_renewed_early(
    person: User, plan: Subscription, yookassa: YooKassaStub
) -> None:
    payments.renew(plan)
    assert ledger.balance(person.pk).plan == 100
    assert Subscription.objects.get().ends_at == plan.ends_at + td(days=30)


def test_an_empty_card_is_tried_again_on_another_day_with_another_key(
    person: User, plan: Subscription, yookassa: YooKassaStub
) -> None:
    yookassa.methods[plan.method] = "insufficient_funds"
    for days in (0, 1, 3, 5, 6):
        with at_the_end(plan, days):
            tasks.renew()
    tries = Payment.objects.filter(purpose="renewal", status="canceled")
    assert tries.count() == 4
    assert len(set(tries.values_list("idempotence_key", flat=True))) == 4
    assert not Subscription.objects.get().renews


def test_a_card_that_is_filled_again_renews(
    person: User, plan: Subscription, yookassa: YooKassaStub
) -> None:
    yookassa.methods[plan.method] = "insufficient_funds"
    with at_the_end(plan):
        tasks.renew()
    yookassa.methods[plan.method] = "succeeded"
    with at_the_end(plan, 1):
        tasks.renew()
        assert ledger.balance(person.pk).plan == 50
    assert Subscription.objects.get().tries == 0


@pytest.mark.parametrize("reason", ["permission_revoked", "card_expired"])
def test_a_method_that_is_gone_is_not_tried_again(
    plan: Subscription, yookassa: YooKassaStub, reason: str
) -> None:
    yookassa.methods[plan.method] = reason
    for days in (0, 1, 3, 5):
        with at_the_end(plan, days):
            tasks.renew()
    assert Payment.objects.filter(purpose="renewal").count() == 1
    subscription = Subscription.objects.get()
    assert (subscription.renews, subscription.method) == (False, "")


def test_a_lost_answer_is_not_a_second_charge(
    person: User, plan: Subscription, yookassa: YooKassaStub
) -> None:
    yookassa.lost = 1
    with at_the_end(plan):
        tasks.renew()
        assert ledger.balance(person.pk).plan == 0
        tasks.renew()
    for days in (0.01, 0.02):
        with at_the_end(plan, days):
            payments.check_due()
    with at_the_end(plan, 0.02):
        assert ledger.balance(person.pk).plan == 50
    first, second = (request for request in yookassa.asked if request.method == "POST")
    assert first.headers["idempotence-key"] == second.headers["idempotence-key"]
    assert (first.body, len(yookassa.payments)) == (second.body, 2)


def test_a_charge_that_takes_its_time_is_asked_after(
    person: User, plan: Subscription, yookassa: YooKassaStub
) -> None:
    yookassa.methods[plan.method] = "pending"
    with at_the_end(plan):
        tasks.renew()
    payment = Payment.objects.get(purpose="renewal")
    assert payment.status == "pending"
    yookassa.pay(payment.gateway_id)
    with at_the_end(plan, 0.01):
        payments.check_due()
        assert ledger.balance(person.pk).plan == 50


def test_a_silent_gateway_costs_no_try(plan: Subscription, yookassa: YooKassaStub) -> None:
    yookassa.script(PAYMENTS, SERVER_ERROR)
    with at_the_end(plan):
        tasks.renew()
    assert (Payment.objects.get(purpose="renewal").status) == "created"
    assert Subscription.objects.get().tries == 0


def test_one_that_is_left_unanswered_keeps_nobody_else_waiting(
    person: User, stranger: User, plan: Subscription, yookassa: YooKassaStub
) -> None:
    other = payments.open(stranger.pk, "basic", gateway="yookassa", save_method=True)
    yookassa.pay(other.gateway_id)
    payments.settle(other)
    yookassa.lost = 1
    with at_the_end(plan, 1):
        tasks.renew()
        assert ledger.balance(stranger.pk).plan == 0  # the gateway has a rest in this round
        tasks.renew()
        assert ledger.balance(stranger.pk).plan == 50
        assert ledger.balance(person.pk).plan == 0


def test_who_has_cancelled_is_not_charged(plan: Subscription, yookassa: YooKassaStub) -> None:
    subscriptions.cancel(plan.account)
    with at_the_end(plan):
        tasks.renew()
    assert payments.renew(plan) is None
    assert not yookassa.asked


def test_the_receipt_goes_where_the_last_one_went(
    person: User, plan: Subscription, yookassa: YooKassaStub, settings: Any
) -> None:
    Payment.objects.update(contact="ann@example.com")
    settings.YOOKASSA_RECEIPTS = True
    payments.renew(plan)
    sent = next(request.json for request in yookassa.asked if request.method == "POST")
    assert sent["receipt"]["customer"] == {"email": "ann@example.com"}
