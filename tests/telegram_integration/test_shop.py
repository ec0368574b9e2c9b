"""Buying with Stars in the chat, and money given back: the balance is asserted after each story."""

from __future__ import annotations

from typing import Any

import pytest

from billing import ledger
from billing.audit import findings
from billing.models import Payment, Price, Product
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


def test_an_invoice_is_paid_once(ann: Talker) -> None:
    (shop,) = ann.write("/buy")
    (invoice,) = ann.press(shop, "100 credits")
    pay(ann, invoice)
    assert ann.again() == []
    assert (credits(ann), Payment.objects.count()) == (105, 1)
