"""Money goes back, and the units of that purchase with it, first.

The row and the units are written before the gateway is asked; one that refuses gives the units
back. A refund made in the gateway's own cabinet is written down when it is seen.
"""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta as td
from decimal import ROUND_CEILING, Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from billing import gateways, ledger, subscriptions
from billing.gateways.base import CANCELED, SUCCEEDED, GatewayError, RefundSeen
from billing.models import Currency, Payment, Product, Refund
from billing.payments.asking import is_too_old
from billing.problems import refused

logger = logging.getLogger(__name__)

NEVER_MADE = "never_made"
MADE_OUTSIDE = "made at the gateway"
AT_ONCE = 20
SETTLE_AFTER = td(seconds=60)  # whoever made the row asks first


def refund(
    payment: Payment,
    amount: Decimal | None,
    reason: str,
    author: object = None,
    *,
    code: uuid.UUID | None = None,
    seen: Decimal | None = None,
) -> Refund:
    """Give ``amount`` back, or all that is left. Raises Problem; it may stay pending a while.

    Asked twice under one ``code`` it is one refund. ``seen`` is what had been given back when
    somebody decided this: if more has gone back since, it is refused.
    """
    return settle_refund(_begin(payment, amount, reason, author, code or uuid.uuid4(), seen))


@transaction.atomic
def _begin(
    payment: Payment,
    amount: Decimal | None,
    reason: str,
    author: object,
    code: uuid.UUID,
    seen: Decimal | None,
) -> Refund:
    ledger.lock(payment.account.user_id)
    if begun := Refund.objects.filter(code=code, payment=payment).first():
        return begun
    payment = Payment.objects.select_related("lot").get(pk=payment.pk)
    if seen not in (None, payment.refunded):
        raise refused("refund_meanwhile", status=409)
    left = payment.amount - payment.refunded
    amount = left if amount is None else amount
    _examine(payment, amount, left)
    row = Refund(
        code=code, payment=payment, amount=amount, idempotence_key=f"refund:{code.hex}",
        reason=reason[:200], author=author,
    )  # fmt: skip
    return _take_units(row)


def _examine(payment: Payment, amount: Decimal, left: Decimal) -> None:
    if payment.status != Payment.Status.SUCCEEDED:
        raise refused("refund_not_paid", status=409)
    if payment.refunds.filter(status=Refund.Status.PENDING).exists():
        raise refused("refund_going_on", status=409)
    if not 0 < amount <= left or amount != amount.quantize(Decimal("0.01")):
        raise refused("refund_amount", status=422, limit=str(left))
    if payment.currency == Currency.XTR and amount != payment.amount:
        raise refused("refund_whole_only", status=422)


def _take_units(row: Refund) -> Refund:
    """What is left of this purchase and of no other: all, or the share of the money, rounded up."""
    payment = row.payment
    whole = row.amount == payment.amount - payment.refunded
    exact = Decimal(payment.lot.granted) * row.amount / payment.amount
    units = None if whole else int(exact.to_integral_value(ROUND_CEILING))
    row.units = ledger.take_back(payment.lot, units, key=_taken_by(row), reason="refund")
    row.save()
    return row


def _taken_by(row: Refund) -> str:
    return f"refund:{row.code}:take"


def settle_refund(row: Refund) -> Refund:
    """The refund as the gateway has it now, or as it was where the gateway does not answer."""
    if row.status != Refund.Status.PENDING:
        return row
    try:
        seen = _ask(row)
    except GatewayError as error:
        if not error.permanent:
            return row
        seen = RefundSeen(row.gateway_id or "", CANCELED, row.amount, error.code)
    return _book(row, seen)


def check_refunds() -> int:
    """Ask after all that are on their way."""
    waiting = Refund.objects.filter(
        status=Refund.Status.PENDING, created_at__lte=timezone.now() - SETTLE_AFTER,
        payment__gateway__in=gateways.available(),
    )  # fmt: skip
    rows = list(waiting.select_related("payment__account").order_by("pk")[:AT_ONCE])
    for row in rows:
        if settle_refund(row).status == Refund.Status.PENDING and row.gateway_id is None:
            break  # the gateway does not answer
    return len(rows)


def _ask(row: Refund) -> RefundSeen:
    gateway = gateways.gateway(row.payment.gateway)
    if row.gateway_id and (seen := gateway.look_refund(row.gateway_id)):
        return seen
    if not is_too_old(gateway.key_lives, row.created_at):
        return gateway.give_back(row)
    for seen in gateway.refunds_of(row.payment):
        if seen.order == str(row.code):
            return seen
    raise GatewayError(NEVER_MADE, permanent=True)


@transaction.atomic
def _book(row: Refund, seen: RefundSeen) -> Refund:
    ledger.lock(row.payment.account.user_id)
    row = Refund.objects.select_related("payment__account", "payment__lot").get(pk=row.pk)
    if row.status != Refund.Status.PENDING:
        return _checked(row, seen)
    row.gateway_id = seen.gateway_id or None
    if seen.status == SUCCEEDED:
        _given_back(row)
    elif seen.status == CANCELED:
        _refused_by_gateway(row, seen.reason)
    row.save(update_fields=["gateway_id", "status", "settled_at", "trouble"])
    return row


def _checked(row: Refund, seen: RefundSeen) -> Refund:
    """One that we had given up and that was made all the same is for people to look at."""
    if row.status == CANCELED and seen.status == SUCCEEDED:
        row.trouble = "made after it was given up"
        row.save(update_fields=["trouble"])
        logger.error("refund %s was %s", row.code, row.trouble)
    return row


def _given_back(row: Refund) -> None:
    row.status, row.settled_at = SUCCEEDED, timezone.now()
    row.save(update_fields=["status"])
    payment = row.payment
    made = payment.refunds.filter(status=Refund.Status.SUCCEEDED)
    payment.refunded = made.aggregate(sum=Sum("amount"))["sum"]
    payment.save(update_fields=["refunded"])
    if payment.refunded == payment.amount and payment.sort == Product.Sort.PLAN:
        subscriptions.undo(payment.account, payment, now=row.settled_at)


def _refused_by_gateway(row: Refund, reason: str) -> None:
    row.status, row.settled_at, row.trouble = CANCELED, timezone.now(), reason[:200]
    logger.error("refund %s was refused: %s", row.code, reason)
    ledger.refund(
        row.payment.account.user_id, _taken_by(row), key=f"refund:{row.code}:back",
        reason="refund refused",
    )  # fmt: skip


def refund_arrived(gateway: str, seen: RefundSeen) -> Refund | None:
    """A refund that the gateway told of: ours, or one made in its cabinet. None: not ours."""
    if row := _ours(gateway, seen):
        return _book(row, seen)
    payment = Payment.objects.filter(gateway=gateway, gateway_id=seen.payment_id).first()
    if payment is None or seen.status != SUCCEEDED:
        return None
    return _made_outside(payment, seen)


def _ours(gateway: str, seen: RefundSeen) -> Refund | None:
    rows = Refund.objects.filter(payment__gateway=gateway).select_related("payment__account")
    known = rows.filter(gateway_id=seen.gateway_id).first()
    return known or rows.filter(code=_code(seen.order)).first()


def _code(order: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(order)
    except ValueError:
        return None


@transaction.atomic
def _made_outside(payment: Payment, seen: RefundSeen) -> Refund | None:
    """The money is gone already, so the units go, and a row says so: one for each of their ids."""
    ledger.lock(payment.account.user_id)
    payment = Payment.objects.select_related("lot", "account").get(pk=payment.pk)
    key = f"outside:{seen.gateway_id}"[:64]
    if row := Refund.objects.filter(idempotence_key=key).first():
        return row
    if payment.lot is None or not 0 < seen.amount <= payment.amount - payment.refunded:
        logger.error("payment %s: refund %s does not fit", payment.code, seen.gateway_id)
        return None
    row = _take_units(
        Refund(
            payment=payment, amount=seen.amount, idempotence_key=key, gateway_id=seen.gateway_id,
            reason=MADE_OUTSIDE, status=SUCCEEDED,
        )
    )  # fmt: skip
    _given_back(row)
    row.save(update_fields=["settled_at"])
    return row
