"""The sandbox's own pay page: whatever is pressed there, the shop credits what is true, once."""

from __future__ import annotations

from datetime import timedelta as td
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from billing import gateways, ledger, payments, tasks
from billing.audit import findings
from billing.models import Notification, Payment, SandboxPayment, Subscription
from billing.problem import Problem
from telegram_integration.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_debug(settings: Any) -> Any:
    """Test runners switch it off."""
    settings.DEBUG = True
    yield
    assert findings() == []


@pytest.fixture
def payment(person: User) -> Payment:
    return payments.open(person.pk, "pack-100", gateway="sandbox")


def page_of(payment: Payment) -> str:
    return f"/sandbox/{payment.gateway_id}/"


def press(payment: Payment, act: str) -> HttpResponse:
    answer = Client().post(page_of(payment), {"act": act})
    tasks.look_into()
    payment.refresh_from_db()
    return answer


def credits(user: User) -> int:
    return ledger.balance(user.pk).credit


def test_the_page_says_what_is_paid_for(payment: Payment, settings: Any) -> None:
    assert payment.page == settings.SITE_URL + page_of(payment)
    html = Client().get(page_of(payment)).content.decode()
    assert "199.00 ₽" in html
    assert "100 credits" in html


def test_paying_credits_and_leads_back_to_the_shop(
    person: User, payment: Payment, settings: Any
) -> None:
    answer = press(payment, "pay")
    assert (answer.status_code, answer["Location"]) == (
        302, f"{settings.SITE_URL}/pay/{payment.code}/",
    )  # fmt: skip
    assert (payment.status, payment.test, credits(person)) == ("succeeded", True, 105)


def test_a_declined_card_credits_nothing(person: User, payment: Payment) -> None:
    press(payment, "decline")
    assert (payment.status, payment.reason) == ("canceled", "general_decline")
    assert credits(person) == 5


@pytest.mark.parametrize("act", ["twice", "disorder"])
def test_told_three_times_or_in_disorder_it_is_credited_once(
    person: User, payment: Payment, act: str
) -> None:
    press(payment, act)
    assert (payment.status, credits(person)) == ("succeeded", 105)


def test_half_of_the_price_credits_nothing_and_is_shown_to_staff(
    person: User, payment: Payment
) -> None:
    press(payment, "half")
    assert payment.trouble == "amount: 199.00 ordered, 99.50 seen"
    assert credits(person) == 5


def test_paid_later_and_told_by_nobody_it_is_found(person: User, payment: Payment) -> None:
    press(payment, "later")
    assert not Notification.objects.exists()
    payments.settle(payment)
    assert credits(person) == 5
    with time_machine.travel(timezone.now() + td(seconds=31), tick=False):
        payments.check_due()
    assert credits(person) == 105


def test_what_is_decided_stays_decided(person: User, payment: Payment) -> None:
    press(payment, "decline")
    press(payment, "pay")
    assert (payment.status, credits(person)) == ("canceled", 5)
    assert "decided already" in Client().get(page_of(payment)).content.decode()


def test_an_act_that_does_not_exist_is_not_there(payment: Payment) -> None:
    assert press(payment, "steal").status_code == 404
    assert SandboxPayment.objects.get().status == "pending"


def test_a_plan_is_renewed_by_the_card_that_was_saved(person: User) -> None:
    payment = payments.open(person.pk, "basic", gateway="sandbox", save_method=True)
    press(payment, "pay")
    subscription = Subscription.objects.get()
    assert subscription.renews
    assert payments.renew(subscription).status == "succeeded"
    assert ledger.balance(person.pk).plan == 100


def test_money_goes_back(person: User, payment: Payment) -> None:
    press(payment, "pay")
    payments.refund(payment, Decimal("99.50"), "a part")
    payments.refund(payment, None, "the rest")
    assert credits(person) == 5
    assert gateways.gateway("sandbox").look(payment).refunded == Decimal("199.00")


def test_outside_debug_it_does_not_exist(person: User, payment: Payment, settings: Any) -> None:
    settings.DEBUG = False
    assert "sandbox" not in gateways.available()
    with pytest.raises(RuntimeError):
        gateways.gateway("sandbox")
    with pytest.raises(Problem, match="gateway_gone"):
        payments.open(person.pk, "pack-100", gateway="sandbox")
    assert Client().get(page_of(payment)).status_code == 404
    assert Client().post(page_of(payment), {"act": "pay"}).status_code == 404


def test_what_the_sandbox_has_left_behind_disturbs_no_sweep(
    payment: Payment, settings: Any
) -> None:
    Client().post(page_of(payment), {"act": "pay"})
    settings.DEBUG = False
    with time_machine.travel(timezone.now() + td(minutes=5), tick=False):
        tasks.sweep()
    payment.refresh_from_db()
    assert payment.status == "pending"
