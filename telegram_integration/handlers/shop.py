"""Buying in the chat: products for Stars, the questions that Telegram asks, and thanks."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.utils.translation import gettext as _

from billing import gateways, payments, words
from billing.models import Product
from telegram_integration import saying
from telegram_integration.calls import Call
from telegram_integration.keyboards import button, page


def shop(call: Call, errand: uuid.UUID | None = None) -> None:
    """What can be bought with Stars here; everything else on the page of prices.

    ``errand`` is what could not be paid, and goes on after the purchase.
    """
    sold = [one for one in Product.objects.on_sale() if "stars" in gateways.selling(one)]
    rows = [[button(_title(one), "pay", one.code, *([errand] if errand else []))] for one in sold]
    rows.append(page(_("Prices"), "/pricing/", chat_id=call.chat_id))
    text = _("Choose what to buy.") if sold else _("Nothing is sold in the chat right now.")
    call.say(text, [row for row in rows if row])


def _title(product: Product) -> str:
    return f"{words.name_of(product)} · {words.money(Decimal(product.stars or 0), 'XTR')}"


def offer(call: Call, code: str, errand: uuid.UUID | None = None) -> None:
    """An invoice for one product."""
    payment = payments.invoice(call.user.pk, code, key=call.key(), errand=errand)
    saying.invoice(call.chat_id, payment, key=call.key())


def returned(call: Call) -> None:
    """Stars went back; whoever tells of refunds says so."""
    back = call.message.refunded_payment
    payments.stars_returned(back.telegram_payment_charge_id, back.total_amount)


def paid(call: Call) -> None:
    """Stars have arrived; thanks are said by whoever tells of payments."""
    done = call.message.successful_payment
    payments.stars_paid(
        done.invoice_payload, charge_id=done.telegram_payment_charge_id, amount=done.total_amount,
        currency=done.currency, telegram_id=call.user.telegram_id,
        recurring=bool(done.is_recurring and not done.is_first_recurring),
        ends_at=done.subscription_expiration_date,
    )  # fmt: skip
