"""Buying with Stars in the chat, and money given back: the balance is asserted after each story."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from billing import ledger
from billing.audit import findings
from billing.models import Payment, Price, Product, Refund
from generation import errands
from generation.models import Job
from telegram_integration.models import OutgoingMessage
from tests.conftest import Obedient
from tests.telegram_integration.chatting import Talker, delivered, worked
from tests.vendors.botapi import TOKEN

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(provider: Obedient, settings: Any) -> Talker:
    settings.TELEGRAM_BOT_TOKEN = TOKEN
    Product.objects.filter(code="pack-100").update(stars=150)
    ann = Talker()
    ann.write("/start")
    delivered()
    return ann


def credits(talker: Talker) -> int:
    return ledger.balance(talker.user.pk).credit


def pay(ann: Talker, invoice: OutgoingMessage, charge: str = "stx1") -> None:
    done = {
        "currency": "XTR", "total_amount": invoice.body["prices"][0]["amount"],
        "invoice_payload": invoice.body["payload"], "telegram_payment_charge_id": charge,
        "provider_payment_charge_id": "p1",
    }  # fmt: skip
    ann.tell("message", ann.message(successful_payment=done))


def test_a_pack_is_bought_with_stars(ann: Talker) -> None:
    (shop,) = ann.write("/buy")
    (invoice,) = ann.press(shop, "100 credits · 150 ⭐")
    assert (invoice.method, invoice.body["prices"][0]["amount"]) == ("sendInvoice", 150)
    pay(ann, invoice)
    (thanks,) = worked()
    assert thanks.body["text"].startswith("Thank you. 100 credits are here. You have 105 credits")
    assert credits(ann) == 105
    assert findings() == []


def test_what_could_not_be_paid_goes_on_after_the_purchase(ann: Talker) -> None:
    Price.objects.filter(tool="imagine").update(credits=50, actions=50)
    (offered,) = ann.write("/imagine a boat")
    (shop,) = ann.press(offered, "Top up")
    (invoice,) = ann.press(shop, "100 credits")
    pay(ann, invoice)
    errands.run_paid()
    told = worked()
    assert Job.objects.latest("pk").prompt == "a boat"
    assert [one.method for one in told] == ["sendMessage", "editMessageMedia", "sendMessage"]
    assert (credits(ann), findings()) == (55, [])


def bought(ann: Talker) -> Payment:
    (shop,) = ann.write("/buy")
    (invoice,) = ann.press(shop, "100 credits")
    pay(ann, invoice)
    worked()
    return Payment.objects.get()


def go_back(ann: Talker, charge: str = "stx1") -> None:
    back = {
        "currency": "XTR", "total_amount": 150, "invoice_payload": "x",
        "telegram_payment_charge_id": charge, "provider_payment_charge_id": "p1",
    }  # fmt: skip
    ann.tell("message", ann.message(refunded_payment=back))


def test_stars_that_telegram_gives_back_take_the_credits_with_them(ann: Talker) -> None:
    bought(ann)
    go_back(ann)
    (told,) = worked()
    assert told.body["text"] == (
        "150 ⭐ for “100 credits” went back to you. You have 5 credits, 10 free actions."
    )
    go_back(ann)
    assert (worked(), credits(ann), findings()) == ([], 5, [])


def test_our_own_refund_is_told_of_once_whoever_hears_of_it_first(ann: Talker) -> None:
    payment, code = bought(ann), uuid.uuid4()
    units = ledger.take_back(payment.lot, key=f"refund:{code}:take", reason="refund")
    ours = Refund.objects.create(
        code=code, payment=payment, amount=150, units=units, idempotence_key="r", reason="asked for"
    )
    go_back(ann)
    ours.refresh_from_db()
    assert (ours.status, Refund.objects.count(), len(worked())) == ("succeeded", 1, 1)
    assert (credits(ann), findings()) == (5, [])


def test_an_invoice_is_paid_once(ann: Talker) -> None:
    (shop,) = ann.write("/buy")
    (invoice,) = ann.press(shop, "100 credits")
    pay(ann, invoice)
    assert ann.again() == []
    assert (credits(ann), Payment.objects.count()) == (105, 1)
