"""Telegram Stars: what the bot asks before it lets somebody pay, and tells when they have."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime
from decimal import Decimal

from billing.gateways.base import SUCCEEDED, RefundSeen, Seen
from billing.models import Currency, Lot, Payment, Product, Refund, Subscription
from billing.payments.refunding import refund_arrived
from billing.payments.settling import arrived
from billing.problem import Problem
from billing.problems import refused

logger = logging.getLogger(__name__)


def may_pay(payload: str, amount: int, currency: str, telegram_id: int) -> Problem | None:
    """Why this invoice must not be paid, from the database alone: Telegram waits ten seconds."""
    payment = _invoice(payload)
    if payment is None or payment.status not in Payment.OPEN:
        return refused("payment_closed", status=409)
    if payment.account.user.telegram_id != telegram_id:
        return refused("payment_of_another", status=409)
    if (payment.amount, payment.currency) != (amount, currency):
        return refused("payment_differs", status=409)
    if not payment.account.user.is_active:
        return refused("payment_closed", status=409)
    return None


def stars_paid(
    payload: str,
    *,
    charge_id: str,
    amount: int,
    currency: str,
    telegram_id: int,
    recurring: bool = False,
    ends_at: datetime | None = None,
) -> Payment | None:
    """Telegram's word, from an update, that Stars were paid: credited once for each charge.

    A second charge for one invoice, and each renewal, is a payment of its own. None: not our
    invoice. ``ends_at`` is the end of the period that Telegram has sold.
    """
    seen = Seen(
        gateway_id=charge_id, status=SUCCEEDED, amount=Decimal(amount), currency=currency,
        order=payload, method="" if recurring else charge_id[:120], payer=str(telegram_id),
        recurring=recurring,
    )  # fmt: skip
    payment = arrived("stars", seen)
    if payment is None:
        logger.error("%s Stars arrived for an invoice that is not ours", amount)
    elif ends_at:
        _run_until(payment, ends_at)
    return payment


def stars_returned(charge_id: str, amount: int) -> Refund | None:
    """Telegram's word that Stars went back, because we asked for it or somebody else did."""
    ours = Refund.objects.filter(
        payment__gateway="stars", payment__gateway_id=charge_id, status=Refund.Status.PENDING
    ).first()
    seen = RefundSeen(
        charge_id, SUCCEEDED, Decimal(amount), payment_id=charge_id,
        order=str(ours.code) if ours else "",
    )  # fmt: skip
    return refund_arrived("stars", seen)


def _invoice(payload: str) -> Payment | None:
    try:
        code = uuid.UUID(payload)
    except ValueError:
        return None
    invoices = Payment.objects.filter(gateway="stars", currency=Currency.XTR, code=code)
    return invoices.select_related("account__user").first()


def _run_until(payment: Payment, ends_at: datetime) -> None:
    """Telegram counts the period by its own clock; the plan lasts as long as was promised there."""
    if payment.sort == Product.Sort.PLAN and payment.lot_id:
        Lot.objects.filter(pk=payment.lot_id, expires_at__lt=ends_at).update(expires_at=ends_at)
        same = Subscription.objects.filter(account=payment.account_id, ends_at__lt=ends_at)
        same.update(ends_at=ends_at)
