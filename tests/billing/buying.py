"""Purchases at the sandbox, in one line."""

from __future__ import annotations

from typing import Any

from billing import payments
from billing.gateways import sandbox
from billing.models import Lot, Payment, SandboxPayment
from telegram_integration.models import User


def as_if_bought(*people: User) -> None:
    """Their welcome credits count as bought, so that they can be given away."""
    Lot.objects.filter(account__user__in=people, source="welcome").update(source="grant")


def order(user: User, product: str = "pack-100", **wish: Any) -> Payment:
    return payments.open(user.pk, product, gateway="sandbox", **wish)


def at_the_bank(payment: Payment) -> SandboxPayment:
    return SandboxPayment.objects.get(order=str(payment.code))


def buy(user: User, product: str = "pack-100", **wish: Any) -> Payment:
    payment = order(user, product, **wish)
    sandbox.pay(at_the_bank(payment))
    return payments.settle(payment)


def buy_for_real(user: User, product: str = "pack-100", **wish: Any) -> Payment:
    """As if money had moved: reports leave tests out."""
    payment = buy(user, product, **wish)
    Payment.objects.filter(pk=payment.pk).update(test=False)
    payment.refresh_from_db()
    return payment
