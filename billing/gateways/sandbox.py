"""A gateway for trying things out, with a pay page of its own. It does not exist outside debug.

It behaves like one that stands somewhere else: it keeps its own books, knows of ours only what it
was told, and tells what happened by notifications that may come twice, late or in disorder.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta as td
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from billing.gateways.base import (
    CANCELED,
    PENDING,
    SUCCEEDED,
    GatewayError,
    Opened,
    RefundSeen,
    Seen,
)
from billing.models import Currency, Payment, Refund, SandboxPayment

DELAY = td(seconds=10)
DECLINED = "general_decline"


class Sandbox:
    name = "sandbox"
    currency = Currency.RUB
    shop = "sandbox"
    test = True
    renews = True
    key_lives = None

    def __init__(self) -> None:
        if not settings.DEBUG:
            raise RuntimeError("The sandbox takes no payments outside debug.")

    def open(self, payment: Payment) -> Opened:
        row = _ordered(payment, save_method=payment.save_method)
        page = settings.SITE_URL + reverse("sandbox", args=[row.gateway_id])
        return Opened(str(row.gateway_id), page)

    def charge_saved(self, payment: Payment, method: str) -> Opened:
        row = _ordered(payment, method=method, status=SUCCEEDED, paid=payment.amount)
        return Opened(str(row.gateway_id))

    def look(self, payment: Payment) -> Seen:
        seen = self.look_up(payment.gateway_id or "")
        if seen is None:
            raise GatewayError("not_found")
        return seen

    def look_up(self, gateway_id: str) -> Seen | None:
        row = _row(gateway_id)
        return row and _seen(row)

    def give_back(self, refund: Refund) -> RefundSeen:
        with transaction.atomic():
            row = SandboxPayment.objects.select_for_update().get(
                gateway_id=refund.payment.gateway_id
            )
            row.refunds[refund.idempotence_key] = str(refund.amount)
            row.save(update_fields=["refunds"])
        return RefundSeen(str(refund.code), SUCCEEDED, refund.amount)

    def look_refund(self, gateway_id: str) -> RefundSeen | None:
        return None

    def listed(self, since: datetime, until: datetime) -> Iterator[Seen]:
        rows = SandboxPayment.objects.filter(created_at__gte=since, created_at__lt=until)
        return (_seen(row) for row in rows)


def pay(row: SandboxPayment, amount: Decimal | None = None) -> None:
    row.status, row.paid = SUCCEEDED, row.amount if amount is None else amount
    if row.save_method:
        row.method = f"sandbox-{row.gateway_id}"
    row.save(update_fields=["status", "paid", "method"])


def pay_later(row: SandboxPayment) -> None:
    """Nobody will be told: it is for the shop to ask."""
    row.due_at = timezone.now() + DELAY
    row.save(update_fields=["due_at"])


def decline(row: SandboxPayment) -> None:
    row.status = CANCELED
    row.save(update_fields=["status"])


def _ordered(payment: Payment, **fields: object) -> SandboxPayment:
    """One order for each key, as everywhere."""
    row, _made = SandboxPayment.objects.get_or_create(
        key=payment.idempotence_key,
        defaults={
            "order": str(payment.code), "description": payment.name, "amount": payment.amount,
            "back": f"{settings.SITE_URL}/pay/{payment.code}/", **fields,
        },
    )  # fmt: skip
    return row


def _row(gateway_id: str) -> SandboxPayment | None:
    try:
        row = SandboxPayment.objects.filter(gateway_id=uuid.UUID(gateway_id)).first()
    except ValueError:
        return None
    if row and row.status == PENDING and row.due_at and row.due_at <= timezone.now():
        pay(row)
    return row


def _seen(row: SandboxPayment) -> Seen:
    return Seen(
        gateway_id=str(row.gateway_id),
        status=row.status,
        amount=row.amount if row.paid is None else row.paid,
        currency=Currency.RUB,
        order=row.order,
        shop=Sandbox.shop,
        test=True,
        method=row.method,
        reason=DECLINED if row.status == CANCELED else "",
        refunded=sum(map(Decimal, row.refunds.values()), Decimal(0)),
    )
