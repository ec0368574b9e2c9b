"""A payment's life: what the gateway's own API says is credited once, and nothing else is."""

from __future__ import annotations

from datetime import timedelta as td
from decimal import Decimal
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from billing import bells, ledger, payments
from billing.models import Payment, Product, Promo, Subscription
from billing.payments.settling import pause
from billing.problem import Problem
from telegram_integration.models import User
from tests.vendors.stub import HANG, HTML, Answer
from tests.vendors.yookassa import PAYMENTS, YooKassaStub

pytestmark = pytest.mark.django_db

SERVER_ERROR = Answer(500, {"type": "error", "code": "internal_server_error"})


def buy(user: User, product: str = "pack-100", **options: Any) -> Payment:
    return payments.open(user.pk, product, gateway="yookassa", **options)


def credits(user: User) -> int:
    return ledger.balance(user.pk).credit


def at(moment: Any) -> Any:
    return time_machine.travel(moment, tick=False)


def test_a_purchase_is_written_down_and_leads_to_the_gateways_page(
    person: User, yookassa: YooKassaStub
) -> None:
    payment = buy(person)
    assert payment.status == "pending"
    assert payment.page == f"https://yoomoney.test/{payment.gateway_id}"
    assert (payment.amount, payment.units, payment.currency) == (Decimal("199.00"), 100, "RUB")
    assert credits(person) == 5


def test_what_was_paid_is_credited_once(person: User, yookassa: YooKassaStub) -> None:
    payment = buy(person)
    yookassa.pay(payment.gateway_id)
    for _time in range(3):
        payment = payments.settle(payment)
    assert (payment.status, payment.lot.granted) == ("succeeded", 100)
    assert credits(person) == 105
    assert (payment.fee, payment.tax) == (Decimal("5.57"), Decimal("7.96"))


def test_half_a_kopeck_is_rounded_up(person: User, yookassa: YooKassaStub) -> None:
    Product.objects.filter(code="pack-100").update(rubles=Decimal("3.75"))
    payment = buy(person)
    yookassa.pay(payment.gateway_id)
    payment = payments.settle(payment)
    assert (payment.fee, payment.tax) == (Decimal("0.11"), Decimal("0.15"))


def test_a_plan_runs_its_days_and_a_renewal_adds_to_it(
    person: User, yookassa: YooKassaStub
) -> None:
    now = timezone.now()
    for _time in range(2):
        with at(now):
            payment = buy(person, "basic")
            yookassa.pay(payment.gateway_id)
            payment = payments.settle(payment)
    assert ledger.balance(person.pk).plan == 100
    assert Subscription.objects.get().ends_at == now + td(days=60)
    assert payment.lot.expires_at == now + td(days=60)


def test_a_payment_that_was_not_made_gives_nothing(person: User, yookassa: YooKassaStub) -> None:
    payment = buy(person)
    yookassa.cancel(payment.gateway_id, "insufficient_funds")
    payment = payments.settle(payment)
    assert (payment.status, payment.reason) == ("canceled", "insufficient_funds")
    assert credits(person) == 5


def test_paid_stays_paid_whatever_is_said_later(person: User, yookassa: YooKassaStub) -> None:
    payment = buy(person)
    yookassa.pay(payment.gateway_id)
    payments.settle(payment)
    yookassa.cancel(payment.gateway_id)
    assert payments.settle(payment).status == "succeeded"
    assert credits(person) == 105


def test_money_that_comes_after_we_gave_it_up_is_credited(
    person: User, yookassa: YooKassaStub
) -> None:
    payment = buy(person)
    yookassa.cancel(payment.gateway_id)
    payment = payments.settle(payment)
    assert payment.status == "canceled"
    yookassa.pay(payment.gateway_id)
    assert payments.settle(payment).status == "succeeded"
    assert credits(person) == 105


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"amount": {"value": "1.00", "currency": "RUB"}}, "amount: 199.00 ordered, 1.00 seen"),
        ({"amount": {"value": "199.00", "currency": "USD"}}, "currency: RUB ordered, USD seen"),
        ({"amount": {"value": "NaN", "currency": "RUB"}}, "amount: 199.00 ordered, -1 seen"),
        ({"recipient": {"account_id": "1"}}, "shop: 100500 ordered, 1 seen"),
        ({"metadata": {"order": "another"}}, "order: "),
        ({"metadata": []}, "order: "),
        ({"test": False}, "test: True ordered, False seen"),
    ],
    ids=["amount", "currency", "not a number", "shop", "order", "no order", "not a test"],
)
def test_what_differs_is_told_to_staff_and_not_credited(
    person: User,
    yookassa: YooKassaStub,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, Any],
    trouble: str,
) -> None:
    payment = buy(person)
    yookassa.pay(payment.gateway_id, **changes)
    payment = payments.settle(payment)
    assert trouble in payment.trouble
    assert (payment.status, credits(person)) == ("pending", 5)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_the_same_key_is_the_same_payment(person: User, yookassa: YooKassaStub) -> None:
    first, again = buy(person, key="tap-1"), buy(person, key="tap-1")
    assert first == again
    assert len(yookassa.requests_to(PAYMENTS)) == 1
    assert buy(person, key="tap-2") != first


def test_a_key_used_for_another_purchase_is_refused(person: User, yookassa: YooKassaStub) -> None:
    buy(person, key="tap-1")
    with pytest.raises(Problem, match="payment_key_reused"):
        buy(person, "pack-300", key="tap-1")


def test_keys_of_two_people_never_meet(
    person: User, stranger: User, yookassa: YooKassaStub
) -> None:
    assert buy(person, key="tap-1") != buy(stranger, key="tap-1")


def test_an_answer_that_was_lost_is_asked_for_with_the_same_key(
    person: User, yookassa: YooKassaStub
) -> None:
    yookassa.lost = 1
    payment = buy(person)
    assert (payment.status, payment.gateway_id) == ("created", None)
    with at(timezone.now() + td(minutes=2)):
        payments.check_due()
    payment.refresh_from_db()
    assert payment.status == "pending"
    first, second = yookassa.requests_to(PAYMENTS)
    assert first.headers["idempotence-key"] == second.headers["idempotence-key"]
    assert (first.body, len(yookassa.payments)) == (second.body, 1)


@pytest.mark.parametrize(
    "trouble", [SERVER_ERROR, HTML, HANG], ids=["500", "not JSON", "no answer"]
)
def test_a_gateway_that_cannot_answer_is_asked_again(
    person: User, yookassa: YooKassaStub, trouble: Any
) -> None:
    yookassa.script(PAYMENTS, trouble)
    payment = buy(person)
    assert payment.status == "created"
    with at(timezone.now() + td(minutes=2)):
        payments.check_due()
    payment.refresh_from_db()
    assert payment.status == "pending"
    keys = {request.headers["idempotence-key"] for request in yookassa.requests_to(PAYMENTS)}
    assert keys == {payment.idempotence_key}


def test_a_refusal_for_good_ends_it_in_kind_words(person: User, yookassa: YooKassaStub) -> None:
    body = {"type": "error", "code": "forbidden", "description": "secret words"}
    yookassa.script(PAYMENTS, Answer(403, body))
    with pytest.raises(Problem, match="gateway_refused") as caught:
        buy(person)
    assert "secret" not in str(caught.value.message)
    assert Payment.objects.get().reason == "forbidden"


def lose_the_answer_a_day_ago(person: User, yookassa: YooKassaStub) -> str:
    """An order that stands at the gateway, and of which we never heard. Their id."""
    yookassa.lost = 1
    buy(person)
    long_ago = timezone.now() - td(hours=24)
    Payment.objects.update(created_at=long_ago, check_at=timezone.now())
    (gateway_id,) = yookassa.payments
    yookassa.payments[gateway_id]["created_at"] = long_ago.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return gateway_id


def test_an_order_whose_key_is_forgotten_is_looked_for(
    person: User, yookassa: YooKassaStub
) -> None:
    gateway_id = lose_the_answer_a_day_ago(person, yookassa)
    yookassa.pay(gateway_id)
    payments.check_due()
    payment = Payment.objects.get()
    assert (payment.status, payment.gateway_id) == ("succeeded", gateway_id)
    assert (len(yookassa.payments), credits(person)) == (1, 105)


def test_an_order_that_was_never_taken_is_given_up_and_not_made_anew(
    person: User, yookassa: YooKassaStub
) -> None:
    lose_the_answer_a_day_ago(person, yookassa)
    yookassa.payments.clear()
    payments.check_due()
    assert Payment.objects.get().reason == "never_ordered"
    assert not yookassa.payments


def test_open_payments_are_asked_after_without_any_notification(
    person: User, yookassa: YooKassaStub
) -> None:
    payment = buy(person)
    yookassa.pay(payment.gateway_id)
    payments.check_due()
    assert credits(person) == 5
    with at(timezone.now() + td(seconds=11)):
        payments.check_due()
    assert credits(person) == 105


def test_the_pauses_grow_and_never_end() -> None:
    seconds = [int(pause(checks).total_seconds()) for checks in range(7)]
    assert seconds == [10, 10, 20, 30, 50, 80, 130]
    assert pause(32000) == td(days=1)


def test_a_silent_gateway_is_asked_once_a_round(person: User, yookassa: YooKassaStub) -> None:
    waiting = [buy(person, key=str(number)) for number in range(3)]
    for payment in waiting:
        yookassa.script(f"{PAYMENTS}/{payment.gateway_id}", SERVER_ERROR)
    before = len(yookassa.asked)
    with at(timezone.now() + td(seconds=11)):
        payments.check_due()
    assert len(yookassa.asked) == before + 1


def test_the_price_is_that_of_the_moment_of_the_purchase(
    person: User, yookassa: YooKassaStub
) -> None:
    payment = buy(person)
    Product.objects.filter(code="pack-100").update(rubles=Decimal("999"), units=1)
    yookassa.pay(payment.gateway_id)
    payments.settle(payment)
    assert credits(person) == 105


def test_a_discount_is_taken_off_and_comes_back_when_nothing_was_paid(
    person: User, yookassa: YooKassaStub
) -> None:
    Promo.objects.create(code="TENTH", sort="percent", value=10)
    payment = buy(person, promo="tenth")
    assert (payment.price, payment.amount) == (Decimal("199.00"), Decimal("179.10"))
    with pytest.raises(Problem, match="promo_used"):
        buy(person, promo="tenth")
    yookassa.cancel(payment.gateway_id)
    payments.settle(payment)
    assert buy(person, promo="tenth").amount == Decimal("179.10")


def test_a_refused_promo_code_opens_nothing(person: User, yookassa: YooKassaStub) -> None:
    with pytest.raises(Problem, match="promo_unknown"):
        buy(person, promo="nope")
    assert not Payment.objects.exists()
    assert not yookassa.asked


@pytest.mark.parametrize(
    ("product", "gateway", "code"),
    [
        ("nothing", "yookassa", "product_gone"),
        ("pack-100", "stars", "gateway_gone"),
        ("pack-100", "paypal", "gateway_gone"),
    ],
    ids=["no product", "no price in Stars", "no gateway"],
)
def test_what_cannot_be_sold_is_refused(
    person: User, yookassa: YooKassaStub, settings: Any, product: str, gateway: str, code: str
) -> None:
    settings.TELEGRAM_BOT_TOKEN = "1:token"
    with pytest.raises(Problem, match=code):
        payments.open(person.pk, product, gateway=gateway)


def test_what_waits_for_the_money_is_rung_for(
    person: User,
    yookassa: YooKassaStub,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    ring = Mock()
    monkeypatch.setattr(bells, "ring", ring)
    payment = buy(person, errand=uuid4())
    yookassa.pay(payment.gateway_id)
    with django_capture_on_commit_callbacks(execute=True):
        payments.settle(payment)
    ring.assert_called_once_with("generation.tasks.run_errands")
