"""The exact words that YooKassa is sent, and what is read of its answers."""

from __future__ import annotations

from datetime import timedelta as td
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from billing import gateways, payments
from billing.gateways import door
from billing.gateways.base import GatewayError
from billing.gateways.yookassa import contact_of
from billing.models import Payment
from billing.problem import Problem
from telegram_integration.models import User
from tests.vendors.stub import HANG, HTML, RESET, Answer
from tests.vendors.yookassa import PAYMENTS, REFUNDS, YooKassaStub

pytestmark = pytest.mark.django_db

CUSTOMER = "merchant_customer_id"


def buy(user: User, product: str = "pack-100", **options: Any) -> Payment:
    return payments.open(user.pk, product, gateway="yookassa", **options)


def paid(user: User, stub: YooKassaStub, product: str = "pack-100", **options: Any) -> Payment:
    payment = buy(user, product, **options)
    stub.pay(payment.gateway_id)
    return payments.settle(payment)


@pytest.fixture
def receipts(settings: Any) -> None:
    settings.YOOKASSA_RECEIPTS = True
    settings.YOOKASSA_VAT_CODE, settings.YOOKASSA_TAX_SYSTEM = 11, 2


def test_an_order_word_for_word(person: User, yookassa: YooKassaStub, settings: Any) -> None:
    payment = buy(person)
    (request,) = yookassa.asked
    assert request.json == {
        "amount": {"value": "199.00", "currency": "RUB"},
        "capture": True,
        "confirmation": {
            "type": "redirect", "return_url": f"{settings.SITE_URL}/pay/{payment.code}/",
        },
        "description": f"100 credits · {payment.code}",
        "metadata": {"order": str(payment.code)},
        CUSTOMER: person.account.invite_code,
    }  # fmt: skip
    assert request.headers["idempotence-key"] == f"payment:{payment.code.hex}"
    assert request.headers["authorization"].startswith("Basic ")


def test_a_plan_to_be_renewed_asks_to_keep_the_method(person: User, yookassa: YooKassaStub) -> None:
    buy(person, "basic", save_method=True)
    assert yookassa.asked[0].json["save_payment_method"] is True
    assert yookassa.asked[0].json["description"].startswith("Plan “Basic”, 30 days · ")


def test_a_pack_never_keeps_the_method(person: User, yookassa: YooKassaStub) -> None:
    buy(person, save_method=True)
    assert "save_payment_method" not in yookassa.asked[0].json


def test_a_kept_method_is_kept_with_the_payment(person: User, yookassa: YooKassaStub) -> None:
    payment = paid(person, yookassa, "basic", save_method=True)
    assert payment.method == payment.gateway_id
    assert paid(person, yookassa, "basic").method == ""


@pytest.mark.parametrize(
    ("contact", "customer"),
    [
        ("ann@example.com", {"email": "ann@example.com"}),
        ("+7 (900) 123-45-67", {"phone": "79001234567"}),
    ],
    ids=["e-mail", "phone"],
)
def test_a_receipt_word_for_word(
    person: User, yookassa: YooKassaStub, receipts: None, contact: str, customer: dict[str, str]
) -> None:
    payment = paid(person, yookassa, contact=contact)
    assert yookassa.asked[0].json["receipt"] == {
        "customer": customer,
        "items": [
            {
                "description": "100 credits", "quantity": 1,
                "amount": {"value": "199.00", "currency": "RUB"}, "vat_code": 11,
                "payment_subject": "service", "payment_mode": "full_payment", "measure": "piece",
            }
        ],
        "tax_system_code": 2,
    }  # fmt: skip
    assert payment.receipt == "pending"


@pytest.mark.parametrize(
    "contact",
    ["", "ann", "ann@", "a@b.c\nBcc: x@y.z", "12345", "+0 900 123-45-67", "1" * 16],
    ids=["none", "a word", "no host", "two lines", "short", "a leading zero", "long"],
)
def test_a_receipt_needs_an_address(
    person: User, yookassa: YooKassaStub, receipts: None, contact: str
) -> None:
    assert contact_of(contact) == ""
    with pytest.raises(Problem, match="contact_needed"):
        buy(person, contact=contact)
    assert not yookassa.asked


def test_without_receipts_no_address_is_kept(person: User, yookassa: YooKassaStub) -> None:
    assert buy(person, contact="ann@example.com").contact == ""


def test_a_part_given_back_word_for_word(
    person: User, yookassa: YooKassaStub, receipts: None
) -> None:
    payment = paid(person, yookassa, contact="ann@example.com")
    refund = payments.refund(payment, Decimal("50"), "asked for it")
    (request,) = yookassa.requests_to(REFUNDS)
    receipt = request.json.pop("receipt")
    assert {name: value for name, value in request.json.items() if name != "receipt"} == {
        "payment_id": payment.gateway_id,
        "amount": {"value": "50.00", "currency": "RUB"},
        "metadata": {"refund": str(refund.code)},
    }
    assert receipt["items"][0]["amount"] == {"value": "50.00", "currency": "RUB"}
    assert request.headers["idempotence-key"] == f"refund:{refund.code.hex}"


@pytest.mark.parametrize(
    ("answer", "permanent", "unknown", "wait"),
    [
        (Answer(400, {"type": "error", "code": "invalid_request"}), True, False, 0),
        (Answer(401, {"type": "error", "code": "invalid_credentials"}), True, False, 0),
        (Answer(429, {"code": "too_many_requests", "retry_after": 1800}), False, False, 1.8),
        (Answer(500, {"type": "error", "code": "internal_server_error"}), False, True, 0),
        (Answer(202, {"type": "processing", "retry_after": 500}), False, True, 0.5),
        (Answer(200, {"status": "pending"}), False, True, 0),
        (Answer(200, []), False, True, 0),
        (HTML, False, True, 0), (RESET, False, True, 0), (HANG, False, True, 0),
    ],
    ids=["400", "401", "429", "500", "202", "no id", "list", "HTML", "reset", "silence"],
)  # fmt: skip
def test_what_a_refusal_means(
    person: User, yookassa: YooKassaStub, answer: Any, permanent: bool, unknown: bool, wait: float
) -> None:
    payment = buy(person)
    yookassa.script(PAYMENTS, answer)
    with pytest.raises(GatewayError) as caught:
        gateways.gateway("yookassa").open(payment)
    error = caught.value
    assert (error.permanent, error.unknown, error.wait) == (permanent, unknown, wait)


def test_a_gateway_that_is_not_there_was_not_asked(
    person: User, yookassa: YooKassaStub, settings: Any
) -> None:
    payment = buy(person)
    settings.YOOKASSA_URL = "http://127.0.0.1:9/v3/"
    with pytest.raises(GatewayError) as caught:
        gateways.gateway("yookassa").open(payment)
    assert (caught.value.permanent, caught.value.unknown) == (False, False)


def test_an_answer_that_trickles_is_ended(
    person: User, yookassa: YooKassaStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = buy(person)
    monkeypatch.setattr(door, "WHOLE_SECONDS", 0.3)
    monkeypatch.setattr(door, "LOOK_SECONDS", 30.0)
    yookassa.script(f"{PAYMENTS}/{payment.gateway_id}", HANG)
    with pytest.raises(GatewayError) as caught:
        gateways.gateway("yookassa").look(payment)
    assert caught.value.unknown


def test_an_answer_without_end_is_not_read(
    person: User, yookassa: YooKassaStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = buy(person)
    monkeypatch.setattr(door, "ANSWER_BYTES", 100)
    with pytest.raises(GatewayError, match="ValueError"):
        gateways.gateway("yookassa").look(payment)


def test_metadata_may_come_as_an_empty_list(person: User, yookassa: YooKassaStub) -> None:
    payment = buy(person)
    yookassa.payments[payment.gateway_id]["metadata"] = []
    assert gateways.gateway("yookassa").look(payment).order == ""


@pytest.mark.parametrize("odd", ["", "../refunds", "a/b", "a?b", "ы", "x" * 65])
def test_an_odd_id_is_never_put_into_an_address(yookassa: YooKassaStub, odd: str) -> None:
    with pytest.raises(GatewayError, match="bad_id"):
        gateways.gateway("yookassa").look_up(odd)
    assert not yookassa.asked


def test_all_payments_are_listed_page_by_page(person: User, yookassa: YooKassaStub) -> None:
    made = {buy(person, key=str(number)).gateway_id for number in range(5)}
    yookassa.page_size = 2
    now = timezone.now()
    listed = list(gateways.gateway("yookassa").listed(now - td(days=1), now + td(hours=1)))
    assert {seen.gateway_id for seen in listed} == made
    assert [request.query.get("cursor") for request in yookassa.asked[5:]] == [None, "2", "4"]


def test_a_cursor_that_leads_in_a_circle_ends(person: User, yookassa: YooKassaStub) -> None:
    page = Answer(200, {"items": [], "next_cursor": "1"})
    yookassa.script(PAYMENTS, page, page, page)
    now = timezone.now()
    assert list(gateways.gateway("yookassa").listed(now - td(days=1), now)) == []
    assert len(yookassa.asked) == 2
