"""A plan's next period, charged to the saved method. Each try is a payment with its own key."""

from __future__ import annotations

from django.db import transaction

from billing import gateways, ledger
from billing.models import Payment, Subscription
from billing.payments import asking, opening, settling


def renew(subscription: Subscription) -> Payment | None:
    """Order it, once for each try. None: nothing to charge, or this try has been ordered.

    What the gateway left unanswered is asked for again by `check_due`, under the same key.
    """
    name = subscription.gateway
    if name not in gateways.available() or not gateways.gateway(name).renews:
        return None
    payment = _row(subscription)
    if payment is None:
        return None
    payment = asking.order(payment)
    return asking.settle(payment) if payment.status == Payment.Status.PENDING else payment


@transaction.atomic
def _row(subscription: Subscription) -> Payment | None:
    """This try's payment. Looked at under the lock: it may be cancelled or renewed by now."""
    account = ledger.lock(subscription.account.user_id)
    current = Subscription.objects.select_related("product").get(pk=subscription.pk)
    seen = (subscription.ends_at, subscription.tries)
    if not current.renews or not current.method or (current.ends_at, current.tries) != seen:
        return None
    key = settling.key_of_renewal(current.pk, current.ends_at.isoformat(), current.tries)
    if Payment.objects.filter(idempotence_key=key).exists():
        return None
    payment = opening.row(account, current.product, current.gateway)
    payment.purpose, payment.idempotence_key = Payment.Purpose.RENEWAL, key
    payment.method, payment.save_method = current.method, True
    payment.contact = _contact(current)
    payment.save(force_insert=True)
    return payment


def _contact(subscription: Subscription) -> str:
    """Where the last receipt went."""
    earlier = subscription.account.payments.exclude(contact="").order_by("-pk").first()
    return earlier.contact if earlier else ""
