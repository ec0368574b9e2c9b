"""What gateways say has happened: kept as rows, then looked into. It is never believed.

A notification only says which object to ask the gateway's API about. An id that neither we nor the
gateway know is asked about once.
"""

from __future__ import annotations

import time
from datetime import datetime
from datetime import timedelta as td

from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from billing import bells, gateways, payments
from billing.gateways.base import GatewayError
from billing.models import Notification, Payment, Refund
from billing.moments import pause, stored
from billing.payments.asking import look_at

EVENTS = frozenset(
    {
        "payment.waiting_for_capture", "payment.succeeded", "payment.canceled", "refund.succeeded",
    }
)  # fmt: skip
UNKNOWN = "unknown"
FINAL = (*Payment.FINAL, UNKNOWN)
KEEP = f"""
    INSERT INTO billing_notification
    (gateway, event, object_id, source, received_at, try_at, tries, outcome)
    VALUES (%s, %s, %s, %s, %s, %s, 0, '')
    ON CONFLICT (gateway, event, object_id) DO UPDATE SET done_at = NULL, try_at = excluded.try_at
    WHERE billing_notification.done_at IS NOT NULL
    AND billing_notification.outcome NOT IN ({", ".join(["%s"] * len(FINAL))}) RETURNING id
"""  # noqa: S608
MOST_SECONDS = 20.0
IN_HAND = td(seconds=90)  # longer than one look lasts
BELL = "billing.tasks.look_into"


def hear(gateway: str, event: str, object_id: str, source: str) -> None:
    """Keep it. The same again is the same row, due once more unless all is settled.

    One statement, for a gateway may call hundreds of times a second and wants an answer at once.
    """
    now = stored(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [gateway, event, object_id, source, now, now, *FINAL])
        is_due = cursor.fetchone() is not None
    if is_due:
        bells.ring(BELL)


def look_into(now: datetime | None = None) -> int:
    """Ask about each that is due. A gateway that is silent is left alone for this time."""
    now, begun, done = now or timezone.now(), time.monotonic(), 0
    talking = set(gateways.available())
    while time.monotonic() - begun < MOST_SECONDS:
        row = _due(now, talking)
        if row is None:
            break
        if _claim(row):
            done += 1
            if not _looked_into(row):
                talking.discard(row.gateway)
    return done


def is_waiting() -> bool:
    return Notification.objects.filter(_when_due(timezone.now())).exists()


def _when_due(now: datetime) -> Q:
    return Q(done_at=None, try_at__lte=now)


def _due(now: datetime, talking: set[str]) -> Notification | None:
    due = Notification.objects.filter(_when_due(now), gateway__in=sorted(talking))
    return due.order_by("try_at", "pk").first()


def _claim(row: Notification) -> bool:
    """Whether this look is ours: of two workers at once only one asks."""
    same = Notification.objects.filter(pk=row.pk, done_at=None, try_at=row.try_at)
    return bool(same.update(try_at=timezone.now() + IN_HAND, tries=F("tries") + 1))


def _looked_into(row: Notification) -> bool:
    """Whether the gateway answered. If not, it is asked again soon, and less and less often."""
    try:
        outcome = _outcome(row)
    except GatewayError as error:
        if not error.permanent:
            wait = max(pause(row.tries), td(seconds=error.wait))
            Notification.objects.filter(pk=row.pk).update(try_at=timezone.now() + wait)
            return False
        outcome = UNKNOWN
    now = timezone.now()
    Notification.objects.filter(pk=row.pk).update(outcome=outcome, done_at=now, try_at=None)
    return True


def _outcome(row: Notification) -> str:
    of_refund = row.event.startswith("refund.")
    thing = _refund(row) if of_refund else _payment(row)
    return thing.status if thing else UNKNOWN


def _payment(row: Notification) -> Payment | None:
    known = Payment.objects.filter(gateway=row.gateway, gateway_id=row.object_id)
    if payment := known.select_related("account").first():
        return payment if payment.status in Payment.FINAL else look_at(payment)
    if _was_asked_about(row):
        return None
    seen = gateways.gateway(row.gateway).look_up(row.object_id)
    return payments.arrived(row.gateway, seen) if seen else None


def _refund(row: Notification) -> Refund | None:
    known = Refund.objects.filter(payment__gateway=row.gateway, gateway_id=row.object_id)
    if (refund := known.first()) and refund.status != Refund.Status.PENDING:
        return refund
    if _was_asked_about(row):
        return None
    seen = gateways.gateway(row.gateway).look_refund(row.object_id)
    return payments.refund_arrived(row.gateway, seen) if seen else None


def _was_asked_about(row: Notification) -> bool:
    """Under another event already, and nobody knew it."""
    same = Notification.objects.filter(gateway=row.gateway, object_id=row.object_id)
    kind = row.event.partition(".")[0]
    return same.filter(event__startswith=kind, outcome=UNKNOWN, done_at__isnull=False).exists()
