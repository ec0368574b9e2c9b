"""The clock and the bells of money. Each looks at the rows; none carries what is to be done."""

from __future__ import annotations

import logging
import threading
import time

from celery import shared_task
from celery.signals import worker_ready
from django.db import connection
from django.utils import timezone

from billing import (
    audit,
    bells,
    gifts,
    notifications,
    payments,
    reconciling,
    standing,
    subscriptions,
)
from billing.models import Payment

RENEW_SECONDS = 60
UNSWEPT_SECONDS = 30
LOOK_SECONDS = 5

logger = logging.getLogger(__name__)

_swept_at = time.monotonic()
# While a gateway hangs, one thread of a worker waits for it and the others make pictures.
_looking = threading.Lock()


@shared_task
def sweep() -> None:
    """What was told and what is due."""
    global _swept_at
    _swept_at = time.monotonic()
    if _looking.acquire(blocking=False):
        try:
            notifications.look_into()
            payments.check_due()
        finally:
            _looking.release()


@shared_task
def look_into() -> None:
    """A gateway called. Calls that come meanwhile are looked into in the same round."""
    if not _looking.acquire(blocking=False):
        return
    try:
        done = notifications.look_into()
    finally:
        _looking.release()
    if done and notifications.is_waiting():
        bells.ring(notifications.BELL)


@shared_task
def check_refunds() -> None:
    payments.check_refunds()


@shared_task
def renew() -> None:
    """Order what is due. An order that the gateway left unanswered is asked after by the clock
    that looks at open payments, so it keeps nobody else waiting; the gateway has a rest meanwhile.
    """
    begun, silent = time.monotonic(), set[str]()
    for subscription in subscriptions.due(timezone.now()).iterator():
        if time.monotonic() - begun > RENEW_SECONDS:
            return  # the next round goes on
        if subscription.gateway in silent:
            continue
        payment = payments.renew(subscription)
        if payment and payment.status == Payment.Status.CREATED:
            silent.add(subscription.gateway)


@shared_task
def remind() -> None:
    """Plans that end soon."""
    subscriptions.remind(timezone.now())


@shared_task
def tell_gateways() -> None:
    """Standing orders that are wanted no more, or again."""
    standing.tell_due()


@shared_task
def release() -> None:
    """What nobody took goes back."""
    gifts.return_unused(timezone.now())


@shared_task
def reconcile() -> None:
    reconciling.reconcile_all()


@worker_ready.connect
def listen_at_the_door(**_kwargs: object) -> None:
    """After Redis was away a worker may hear nothing any more; money is still looked after."""
    threading.Thread(target=_look, name="money", daemon=True).start()


def _look() -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        try:
            if time.monotonic() - _swept_at > UNSWEPT_SECONDS:
                sweep()
        except Exception:
            logger.warning("could not look after money", exc_info=True)
        finally:
            connection.close()


@shared_task
def audit_books() -> None:
    audit.look()
