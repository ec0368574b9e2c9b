"""Open payments are asked after until they are settled, by the clock alone if need be."""

from __future__ import annotations

import time
from datetime import datetime
from datetime import timedelta as td

from django.db.models import F
from django.utils import timezone

from billing import gateways
from billing.gateways.base import GatewayError
from billing.models import Payment
from billing.payments.asking import look_at
from billing.payments.settling import later

MOST_SECONDS = 20.0
IN_HAND = td(seconds=90)  # longer than one look lasts
SILENCE_SECONDS = 20.0


def check_due(now: datetime | None = None) -> int:
    """Ask after each payment that is due. A gateway that is silent is left alone for this time."""
    now, begun, done = now or timezone.now(), time.monotonic(), 0
    talking = set(gateways.available())
    while time.monotonic() - begun < MOST_SECONDS:
        payment = _due(now, talking)
        if payment is None:
            break
        if _claim(payment):
            done += 1
            if not _looked_at(payment):
                talking.discard(payment.gateway)
    return done


def _due(now: datetime, talking: set[str]) -> Payment | None:
    due = Payment.objects.filter(
        status__in=Payment.OPEN, check_at__lte=now, gateway__in=sorted(talking)
    )
    return due.order_by("check_at").select_related("account").first()


def _claim(payment: Payment) -> bool:
    """Whether this look is ours: of two clocks at once only one asks."""
    same = Payment.objects.filter(pk=payment.pk, check_at=payment.check_at)
    taken = same.update(check_at=timezone.now() + IN_HAND, checks=F("checks") + 1)
    payment.checks += taken
    return bool(taken)


def _looked_at(payment: Payment) -> bool:
    try:
        look_at(payment)
    except GatewayError as error:
        later(payment, error.wait or SILENCE_SECONDS)
        return False
    return True
