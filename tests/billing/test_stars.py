"""Telegram Stars: asked before, credited once for each charge, found where no update came."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta as td
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from billing import audit, gateways, ledger, payments
from billing.gateways.base import GatewayError
from billing.models import Payment, Product, Refund, Subscription
from billing.problem import Problem
from billing.reconciling import reconcile
from telegram_integration.models import User
from tests.vendors.botapi_stars import TOKEN, StarsStub, said
from tests.vendors.stub import Answer

pytestmark = pytest.mark.django_db

WHO = 777000


@pytest.fixture
def stars(settings: Any) -> Iterator[StarsStub]:
    Product.objects.filter(code="pack-100").update(stars=150)
    Product.objects.filter(code="basic").update(stars=200)
    with StarsStub() as stub:
        settings.BOT_API_URL, settings.TELEGRAM_BOT_TOKEN = stub.url, TOKEN
        yield stub
    assert stub.mistakes == []
    assert audit.findings() == []


@pytest.fixture
def payer(person: User) -> User:
    person.telegram_id = WHO
    person.save(update_fields=["telegram_id"])
    return person


def buy(user: User, product: str = "pack-100", **options: Any) -> Payment:
    return payments.open(user.pk, product, gateway="stars", **options)


def told(payment: Payment, charge: str, **changes: Any) -> Payment | None:
    """The update that Telegram sends when it was paid."""
    facts = {"amount": int(payment.amount), "currency": "XTR", "telegram_id": WHO} | changes
    return payments.stars_paid(str(payment.code), charge_id=charge, **facts)


def credits(user: User) -> int:
    return ledger.balance(user.pk).credit


def test_an_invoice_word_for_word(payer: User, stars: StarsStub) -> None:
    payment = buy(payer)
    (request,) = stars.asked
    assert request.path == f"/bot{TOKEN}/createInvoiceLink"
    assert request.json == {
        "title": "100 credits", "description": "100 credits", "payload": str(payment.code),
        "provider_token": "", "currency": "XTR",
        "prices": [{"label": "100 credits", "amount": 150}],
    }  # fmt: skip
    assert (payment.status, payment.currency, payment.amount) == ("pending", "XTR", 150)
    assert payment.page == f"https://t.me/$invoice-{payment.code}"


def test_a_plan_to_be_renewed_is_a_subscription(payer: User, stars: StarsStub) -> None:
    buy(payer, "basic", save_method=True)
    assert stars.asked[0].json["subscription_period"] == 2592000


def test_paid_stars_are_credited_once_for_each_charge(payer: User, stars: StarsStub) -> None:
    payment = buy(payer)
    for _time in range(3):
        assert told(payment, "stx1") == payment
    assert credits(payer) == 105
    payment.refresh_from_db()
    assert (payment.status, payment.gateway_id) == ("succeeded", "stx1")
    assert (payment.fee, payment.tax) == (0, 0)


def test_one_invoice_paid_twice_is_two_purchases(payer: User, stars: StarsStub) -> None:
    payment = buy(payer)
    for charge in ("stx1", "stx2", "stx2", "stx1"):
        told(payment, charge)
    assert credits(payer) == 205
    assert Payment.objects.filter(status="succeeded").count() == 2


def test_a_renewal_is_a_payment_of_its_own(payer: User, stars: StarsStub) -> None:
    now = timezone.now()
    payment = buy(payer, "basic", save_method=True)
    told(payment, "stx1", ends_at=now + td(days=30))
    for _time in range(2):
        told(payment, "stx2", recurring=True, ends_at=now + td(days=60, hours=1))
    subscription = Subscription.objects.get()
    assert ledger.balance(payer.pk).plan == 100
    assert (subscription.renews, subscription.method) == (True, "stx1")
    assert subscription.ends_at == now + td(days=60, hours=1)
    assert Payment.objects.get(gateway_id="stx2").purpose == "renewal"


def test_a_subscription_of_telegrams_is_never_charged_by_us(payer: User, stars: StarsStub) -> None:
    told(buy(payer, "basic", save_method=True), "stx1")
    assert payments.renew(Subscription.objects.get()) is None


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"amount": 1}, "amount: 150.00 ordered, 1 seen"),
        ({"currency": "RUB"}, "currency: XTR ordered, RUB seen"),
        ({"telegram_id": 1}, f"payer: {WHO} ordered, 1 seen"),
    ],
    ids=["amount", "currency", "payer"],
)
def test_what_differs_is_told_to_staff_and_not_credited(
    payer: User, stars: StarsStub, changes: dict[str, Any], trouble: str
) -> None:
    payment = told(buy(payer), "stx1", **changes)
    assert payment is not None
    assert (payment.trouble, credits(payer)) == (trouble, 5)


@pytest.mark.parametrize("payload", ["", "not a code", "00000000-0000-4000-8000-000000000000"])
def test_stars_for_an_invoice_of_nobody_are_loud(
    stars: StarsStub, caplog: pytest.LogCaptureFixture, payload: str
) -> None:
    paid = payments.stars_paid(payload, charge_id="stx1", amount=1, currency="XTR", telegram_id=WHO)
    assert paid is None
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_good_invoice_may_be_paid(payer: User, stars: StarsStub) -> None:
    payment = buy(payer)
    before = len(stars.asked)
    assert payments.may_pay(str(payment.code), 150, "XTR", WHO) is None
    assert len(stars.asked) == before


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ((151, "XTR", WHO), "payment_differs"),
        ((150, "USD", WHO), "payment_differs"),
        ((150, "XTR", 1), "payment_of_another"),
    ],
    ids=["amount", "currency", "payer"],
)
def test_an_invoice_that_differs_may_not_be_paid(
    payer: User, stars: StarsStub, facts: tuple[int, str, int], code: str
) -> None:
    problem = payments.may_pay(str(buy(payer).code), *facts)
    assert problem is not None
    assert problem.code == code


def test_an_invoice_that_was_paid_may_not_be_paid_again(payer: User, stars: StarsStub) -> None:
    payment = buy(payer)
    told(payment, "stx1")
    problem = payments.may_pay(str(payment.code), 150, "XTR", WHO)
    assert problem is not None
    assert problem.code == "payment_closed"


def test_an_invoice_of_yesterday_may_not_be_paid(payer: User, stars: StarsStub) -> None:
    payment = buy(payer)
    with time_machine.travel(timezone.now() + td(days=1, minutes=1), tick=False):
        payments.check_due()
    payment.refresh_from_db()
    assert (payment.status, payment.reason) == ("canceled", "expired_on_confirmation")
    problem = payments.may_pay(str(payment.code), 150, "XTR", WHO)
    assert problem is not None
    told(payment, "stx1")
    assert credits(payer) == 105


def test_stars_go_back_as_a_whole(payer: User, stars: StarsStub) -> None:
    payment = buy(payer)
    told(payment, stars.pay(str(payment.code), WHO))
    payment.refresh_from_db()
    with pytest.raises(Problem, match="refund_whole_only"):
        payments.refund(payment, Decimal(10), "a part")
    assert payments.refund(payment, None, "asked for it").status == "succeeded"
    assert credits(payer) == 5


def test_stars_that_went_back_before_have_gone_back(payer: User, stars: StarsStub) -> None:
    payment = buy(payer)
    told(payment, stars.pay(str(payment.code), WHO))
    payment.refresh_from_db()
    path = f"/bot{TOKEN}/refundStarPayment"
    stars.script(
        path, Answer(500, {"ok": False}), said(400, "Bad Request: CHARGE_ALREADY_REFUNDED")
    )
    refund = payments.refund(payment, None, "asked for it")
    assert refund.status == "pending"
    Refund.objects.update(created_at=timezone.now() - td(days=3))
    payments.check_refunds()
    refund.refresh_from_db()
    assert (refund.status, credits(payer)) == ("succeeded", 5)


def test_stars_that_cannot_go_back_leave_the_credits(payer: User, stars: StarsStub) -> None:
    payment = buy(payer)
    told(payment, "stx-unknown")
    payment.refresh_from_db()
    refund = payments.refund(payment, None, "asked for it")
    assert (refund.status, refund.trouble) == ("canceled", "CHARGE_NOT_FOUND")
    assert credits(payer) == 105


def test_what_no_update_told_of_is_found_at_night(payer: User, stars: StarsStub) -> None:
    payment = buy(payer)
    stars.pay(str(payment.code), WHO)
    audit_row = reconcile("stars", timezone.now() + td(hours=1))
    assert (audit_row.findings, audit_row.looked_at) == ([], 1)
    assert credits(payer) == 105


def test_transactions_are_read_page_by_page(payer: User, stars: StarsStub) -> None:
    payment = buy(payer)
    charges = {stars.pay(str(payment.code), WHO) for _number in range(101)}
    now = timezone.now()
    listed = gateways.gateway("stars").listed(now - td(days=1), now + td(hours=1))
    assert {seen.gateway_id for seen in listed} == charges


def test_the_token_is_in_no_log_and_in_no_error(
    payer: User, stars: StarsStub, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    buy(payer)
    settings.BOT_API_URL = "http://127.0.0.1:9"
    with pytest.raises(GatewayError) as caught:
        gateways.gateway("stars").open(Payment.objects.get())
    assert TOKEN not in caplog.text + repr(caught.value)
