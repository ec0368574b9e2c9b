"""Asking the gateway: to take an order, and what became of it.

Our row is known there, or it is not, or nobody knows: then the same key asks again.
"""

from __future__ import annotations

from datetime import datetime
from datetime import timedelta as td

from django.utils import timezone

from billing import gateways
from billing.gateways.base import GatewayError, Opened, Seen
from billing.models import Payment
from billing.moments import pause
from billing.payments import settling

UNANSWERED = td(seconds=60)  # longer than any call lasts
NEVER_ORDERED = "never_ordered"


def settle(payment: Payment) -> Payment:
    """The payment as the gateway has it now. Where it does not answer, the payment as it was."""
    try:
        return look_at(payment)
    except GatewayError as error:
        return settling.later(payment, error.wait)


def look_at(payment: Payment) -> Payment:
    """The same. Raises GatewayError where the gateway does not answer."""
    if payment.status == Payment.Status.CREATED:
        return order(payment)
    return settling.book(payment, gateways.gateway(payment.gateway).look(payment))


def order(payment: Payment) -> Payment:
    """Ask the gateway for it. Refused for good, it is canceled; unanswered, it waits."""
    try:
        opened = _ask(payment)
    except GatewayError as error:
        if error.permanent:
            return settling.cancel(payment, error.code)
        return settling.later(payment, error.wait)
    if opened:
        _taken(payment, opened)
    payment.refresh_from_db()
    return payment


def _ask(payment: Payment) -> Opened | None:
    gateway = gateways.gateway(payment.gateway)
    if is_too_old(gateway.key_lives, payment.created_at):
        _look_for(payment)
        return None
    if payment.purpose == Payment.Purpose.RENEWAL:
        return gateway.charge_saved(payment, payment.method)
    return gateway.open(payment)


def is_too_old(key_lives: td | None, written_at: datetime) -> bool:
    """Whether the gateway may have forgotten the key: asked again, it would be done again."""
    return key_lives is not None and written_at < timezone.now() - key_lives


def _taken(payment: Payment, opened: Opened) -> None:
    """Conditional: a notification may have been quicker than the answer."""
    Payment.objects.filter(pk=payment.pk, status=Payment.Status.CREATED).update(
        status=Payment.Status.PENDING, gateway_id=opened.gateway_id, page=opened.page, checks=0,
        check_at=timezone.now() + pause(0),
    )  # fmt: skip


def _look_for(payment: Payment) -> None:
    """An order whose answer was lost, and whose key is too old to ask again."""
    found = _listed(payment)
    if found:
        settling.arrived(payment.gateway, found)
    else:
        settling.cancel(payment, NEVER_ORDERED)


def _listed(payment: Payment) -> Seen | None:
    since, until = payment.created_at - td(hours=1), payment.created_at + td(days=2)
    listed = gateways.gateway(payment.gateway).listed(since, until)
    return next((seen for seen in listed if seen.order == str(payment.code)), None)
