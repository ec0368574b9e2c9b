"""Our books against the gateways': every night, the last three days, both ways."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta as td

from django.utils import timezone

from billing import gateways, payments
from billing.gateways.base import SUCCEEDED, GatewayError, Seen
from billing.models import Audit, Payment

LOOKED_BACK = td(days=3)
MARGIN = td(minutes=10)  # what happens right now may be known to one side only
COMPARED = {"yookassa": Audit.Sort.YOOKASSA, "stars": Audit.Sort.STARS}

logger = logging.getLogger(__name__)


def reconcile_all() -> None:
    for name in COMPARED:
        if name in gateways.available():
            reconcile(name, timezone.now())


def reconcile(name: str, now: datetime) -> Audit:
    """What differs is told, loudly, in a row for staff. What we only missed is settled first."""
    audit = Audit.objects.create(sort=COMPARED[name])
    since, until = now - LOOKED_BACK, now - MARGIN
    try:
        theirs = {seen.gateway_id: seen for seen in gateways.gateway(name).listed(since, until)}
        for seen in theirs.values():
            _settle(name, seen)
        audit.findings = [*_missed(name, theirs, since, until), *_differences(name, theirs)]
        audit.looked_at = len(theirs)
    except GatewayError as error:
        audit.findings = [f"{name} could not be asked: {error.code}"]
    audit.ended_at = timezone.now()
    audit.save()
    if audit.findings:
        logger.error("%s: %s differences, see audit %s", name, len(audit.findings), audit.pk)
    return audit


def _settle(name: str, seen: Seen) -> None:
    """A payment that no notification told of, and that our own asking has not come to yet."""
    if seen.status == SUCCEEDED:
        payments.arrived(name, seen)


def _missed(name: str, theirs: dict[str, Seen], since: datetime, until: datetime) -> Iterator[str]:
    """Paid by our books, and not there by theirs. At the edges the clocks may differ."""
    made = Payment.objects.filter(gateway=name, status=SUCCEEDED, gateway_id__isnull=False)
    within = made.filter(created_at__gte=since + MARGIN, settled_at__lt=until - MARGIN)
    for payment in within.exclude(gateway_id__in=theirs):
        yield f"payment {payment.code}: paid by our books, {name} has no {payment.gateway_id}"


def _differences(name: str, theirs: dict[str, Seen]) -> Iterator[str]:
    known = Payment.objects.filter(gateway=name, gateway_id__in=theirs)
    ours = {payment.gateway_id: payment for payment in known}
    for gateway_id, seen in theirs.items():
        payment = ours.get(gateway_id)
        if payment:
            yield from _differing(payment, seen)
        elif seen.status == SUCCEEDED:
            yield f"{name} {gateway_id}: {seen.amount} {seen.currency} paid there, not in our books"


def _differing(payment: Payment, seen: Seen) -> Iterator[str]:
    pairs = {
        "status": (payment.status, seen.status),
        "amount": (payment.amount, seen.amount),
        "currency": (payment.currency, seen.currency),
        "refunded": (payment.refunded, seen.refunded),
    }
    for what, (mine, their) in pairs.items():
        if mine != their:
            yield f"payment {payment.code}: {what} is {mine} here and {their} there"
