"""Renewals that a gateway charges by itself: it is told to stop, or to go on, as people decide.

The row says what is wanted and what was told, so a gateway that does not answer is told later.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from datetime import timedelta as td

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from billing import bells, gateways
from billing.gateways.base import GatewayError
from billing.models import StandingOrder, Subscription
from billing.moments import pause

logger = logging.getLogger(__name__)

BELL = "billing.tasks.tell_gateways"
MOST_SECONDS = 20.0
IN_HAND = td(seconds=90)  # longer than one call lasts


def begin(subscription: Subscription) -> None:
    """Its plan was bought with consent to be renewed by the gateway."""
    StandingOrder.objects.get_or_create(
        gateway=subscription.gateway, method=subscription.method,
        defaults={"account_id": subscription.account_id},
    )  # fmt: skip


def follow(subscription: Subscription) -> None:
    """Wanted is the one that renews this plan, and no other that the person ever began.

    Whoever changed the plan calls it, in the same transaction.
    """
    mine = StandingOrder.objects.filter(account=subscription.account_id)
    current = Q(gateway=subscription.gateway, method=subscription.method)
    kept = mine.filter(current) if subscription.renews else mine.none()
    kept.update(wanted=True)
    mine.exclude(pk__in=kept.values("pk")).update(wanted=False)
    mine.filter(known=F("wanted")).update(tell_at=None)
    unknown = mine.exclude(known=F("wanted"))
    if unknown.update(tell_at=timezone.now(), tries=0):
        transaction.on_commit(lambda: bells.ring(BELL))


def tell_due(now: datetime | None = None) -> int:
    """Tell each that is due. A gateway that is silent is left alone for this time."""
    now, begun, done = now or timezone.now(), time.monotonic(), 0
    talking = set(gateways.available())
    while time.monotonic() - begun < MOST_SECONDS:
        due = StandingOrder.objects.filter(tell_at__lte=now, gateway__in=sorted(talking))
        order = due.order_by("tell_at").select_related("account__user").first()
        if order is None:
            break
        if _claim(order):
            done += 1
            if not _tell(order):
                talking.discard(order.gateway)
    return done


def _claim(order: StandingOrder) -> bool:
    same = StandingOrder.objects.filter(pk=order.pk, tell_at=order.tell_at)
    return bool(same.update(tell_at=timezone.now() + IN_HAND, tries=F("tries") + 1))


def _tell(order: StandingOrder) -> bool:
    """Whether the gateway answered. What it refuses for good is for people to look at."""
    trouble = ""
    try:
        gateways.gateway(order.gateway).steer(order)
    except GatewayError as error:
        if not error.permanent:
            wait = max(pause(order.tries), td(seconds=error.wait))
            StandingOrder.objects.filter(pk=order.pk).update(tell_at=timezone.now() + wait)
            return False
        trouble = error.code
        logger.error("standing order %s could not be steered: %s", order.pk, trouble)
    _told(order, trouble)
    return True


def _told(order: StandingOrder, trouble: str) -> None:
    """Somebody may have decided anew while we told it: then it is told again."""
    row = StandingOrder.objects.filter(pk=order.pk)
    row.update(known=order.wanted, trouble=trouble)
    row.filter(wanted=order.wanted).update(tell_at=None)
    row.exclude(wanted=order.wanted).update(tell_at=timezone.now())
