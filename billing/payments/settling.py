"""What became of a payment, as the gateway's API tells it: written in one transaction, once.

Lock the account, look again, change under a unique key, tell after the commit. A payment that was
made never goes back to unpaid; one that came after we had given it up is money, and counts.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from datetime import timedelta as td
from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing import bells, gateways, ledger, promos, subscriptions
from billing.gateways.base import CANCELED, SUCCEEDED, Seen
from billing.models import Account, Currency, Kind, Payment, Product
from billing.moments import pause

logger = logging.getLogger(__name__)

FEE, TAX = Decimal("0.028"), Decimal("0.04")
KOPECK = Decimal("0.01")
# A saved method with which a renewal need not be tried again.
METHOD_IS_GONE = frozenset(
    {
        "permission_revoked", "card_expired", "invalid_card_number", "payment_method_restricted",
        "country_forbidden", "fraud_suspected", "invalid_request", "not_found", "renews_by_itself",
    }
)  # fmt: skip


def arrived(gateway: str, seen: Seen) -> Payment | None:
    """Something that the gateway's API told of, found by its id or by our order in it.

    One that was paid twice is two purchases. None: it is not ours.
    """
    if payment := _known(gateway, seen):
        return book(payment, seen)
    payment = _ordered(gateway, seen.order)
    if payment is None:
        return None
    if payment.gateway_id is None:
        unclaimed = Payment.objects.filter(pk=payment.pk, gateway_id=None)
        unclaimed.update(gateway_id=seen.gateway_id)
        payment.refresh_from_db(fields=["gateway_id"])
    if payment.gateway_id == seen.gateway_id:
        return book(payment, seen)
    if seen.status != SUCCEEDED:
        return payment
    return book(_again(payment, seen), seen)


@transaction.atomic
def book(payment: Payment, seen: Seen) -> Payment:
    """Write what was seen. Seen twice, it is written once."""
    account = ledger.lock(payment.account.user_id)
    payment = _locked(payment)
    if payment.status == Payment.Status.SUCCEEDED:
        return payment
    if seen.status == SUCCEEDED:
        difference = _difference(payment, seen)
        return _trouble(payment, difference) if difference else _credit(account, payment, seen)
    if seen.status == CANCELED:
        return _cancel(payment, seen.reason or "canceled")
    return later(payment)


@transaction.atomic
def cancel(payment: Payment, reason: str) -> Payment:
    """Nothing was paid, for this reason. One that is settled stays as it is."""
    ledger.lock(payment.account.user_id)
    return _cancel(_locked(payment), reason)


def later(payment: Payment, wait: float = 0.0) -> Payment:
    """Ask again in a while, longer each time; never stop while it is open."""
    pause_now = max(pause(payment.checks), td(seconds=wait))
    still_open = Payment.objects.filter(pk=payment.pk, status__in=Payment.OPEN, trouble="")
    still_open.update(check_at=timezone.now() + pause_now)
    payment.refresh_from_db()
    return payment


def key_of_renewal(subscription_id: int, ends_at: str, tries: int) -> str:
    return f"renewal:{subscription_id}:{ends_at}:{tries}"


def _locked(payment: Payment) -> Payment:
    rows = Payment.objects.select_for_update(of=("self",))
    return rows.select_related("account__user", "product").get(pk=payment.pk)


def _known(gateway: str, seen: Seen) -> Payment | None:
    return Payment.objects.filter(gateway=gateway, gateway_id=seen.gateway_id).first()


def _ordered(gateway: str, order: str) -> Payment | None:
    try:
        code = uuid.UUID(order)
    except ValueError:
        return None
    return Payment.objects.filter(gateway=gateway, code=code).first()


def _again(payment: Payment, seen: Seen) -> Payment:
    """A row of its own for what was paid once more under the same order."""
    digest = hashlib.sha256(f"{payment.gateway}:{seen.gateway_id}".encode()).hexdigest()
    copied = (
        "account", "gateway", "product", "sort", "name", "units", "days", "price", "amount",
        "currency", "contact", "save_method", "method",
    )  # fmt: skip
    fields = {name: getattr(payment, name) for name in copied}
    kind = Payment.Purpose.RENEWAL if seen.recurring else Payment.Purpose.PURCHASE
    fields |= {"purpose": kind, "idempotence_key": f"again:{digest[:48]}", "status": "pending"}
    again, _made = Payment.objects.get_or_create(
        gateway=payment.gateway, gateway_id=seen.gateway_id, defaults=fields
    )
    return again


def _is_another(payment: Payment) -> bool:
    """Made for a second charge, which carries the order of the first."""
    return payment.idempotence_key.startswith("again:")


def _difference(payment: Payment, seen: Seen) -> str:
    """In what the gateway's truth is not what we ordered. Empty: in nothing."""
    gateway = gateways.gateway(payment.gateway)
    order = seen.order if _is_another(payment) else str(payment.code)
    pairs = {
        "amount": (payment.amount, seen.amount),
        "currency": (payment.currency, seen.currency),
        "order": (order, seen.order),
        "shop": (gateway.shop, seen.shop),
        "test": (gateway.test, seen.test),
        "payer": (str(payment.account.user.telegram_id) if seen.payer else "", seen.payer),
    }
    return "; ".join(
        f"{name}: {ours} ordered, {theirs} seen"
        for name, (ours, theirs) in pairs.items()
        if ours != theirs
    )


def _trouble(payment: Payment, difference: str) -> Payment:
    """Money that is not what it should be is for people to look at; nothing is credited."""
    if payment.trouble != difference[:200]:
        logger.error("payment %s is not credited, it differs: %s", payment.code, difference)
    payment.trouble, payment.check_at = difference[:200], None
    payment.save(update_fields=["trouble", "check_at"])
    return payment


def _credit(account: Account, payment: Payment, seen: Seen) -> Payment:
    now = timezone.now()
    if payment.save_method and seen.method:
        payment.method = seen.method
    ends_at = None
    if payment.sort == Product.Sort.PLAN:
        ends_at = subscriptions.extend(account, payment, now=now)
    payment.lot = ledger.grant(
        account,
        Kind.PLAN if payment.sort == Product.Sort.PLAN else Kind.CREDIT,
        payment.units,
        key=f"payment:{payment.code}",
        source=payment.product.code[:32],
        expires_at=ends_at,
    )
    payment.status, payment.settled_at, payment.check_at = SUCCEEDED, now, None
    payment.reason, payment.trouble, payment.told_at = "", "", None
    payment.receipt, payment.test = seen.receipt, seen.test
    if payment.currency == Currency.RUB:
        payment.fee, payment.tax = share(payment.amount, FEE), share(payment.amount, TAX)
    payment.save()
    if payment.errand:
        transaction.on_commit(lambda: bells.ring(settings.PAID_BELL))
    return payment


def share(amount: Decimal, part: Decimal) -> Decimal:
    return (amount * part).quantize(KOPECK, ROUND_HALF_UP)


def _cancel(payment: Payment, reason: str) -> Payment:
    if payment.status not in Payment.OPEN:
        return payment
    payment.status, payment.reason, payment.check_at = CANCELED, reason[:64], None
    payment.settled_at = timezone.now()
    payment.save(update_fields=["status", "reason", "check_at", "settled_at"])
    promos.release(payment)
    if payment.purpose == Payment.Purpose.RENEWAL:
        _renewal_failed(payment)
    return payment


def _renewal_failed(payment: Payment) -> None:
    """Only the try that this payment was: the plan may have been bought anew meanwhile."""
    subscription = getattr(payment.account, "subscription", None)
    if subscription is None:
        return
    tried = key_of_renewal(subscription.pk, subscription.ends_at.isoformat(), subscription.tries)
    if payment.idempotence_key == tried:
        subscriptions.charge_failed(
            subscription, payment.reason, permanent=payment.reason in METHOD_IS_GONE
        )
