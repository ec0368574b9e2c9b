"""A plan's time: purchases and renewals extend it, the clock ends it.

A plan runs exactly as long as one of its lots has not expired; nothing has to run for it to end.
The row here says until when, whether the next period is charged, and by which saved method. While
a failed renewal is tried again (`GRACE`) the person keeps a plan's limits, but none of its actions.
Who changes a row holds its account's lock.
"""

from __future__ import annotations

from datetime import datetime
from datetime import timedelta as td

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from billing import ledger
from billing.models import Account, Kind, Lot, Payment, Subscription
from billing.problems import refused

RETRY_DAYS = (1, 3, 5)  # after the end; the last is the end of the grace
REMIND_DAYS = (3, 1)  # before the end
CHARGE_THEMSELVES = frozenset({"stars"})  # gateways that renew unasked, and tell us


def extend(account: Account, payment: Payment, *, now: datetime) -> datetime:
    """A plan was paid for: when its lot, and all that is left of earlier ones, ends now.

    Called by the transaction that settles the payment, once, with the account locked.
    """
    running = running_lots(account, now)
    end = max(now, _latest(running) or now) + td(days=payment.days)
    running.update(expires_at=end)
    subscription, _made = Subscription.objects.get_or_create(
        account=account,
        defaults={"product_id": payment.product_id, "gateway": payment.gateway,
                  "started_at": now, "ends_at": end},
    )  # fmt: skip
    if subscription.ends_at <= now:
        subscription.started_at = now
    _renew_by(subscription, payment)
    subscription.product_id = payment.product_id
    subscription.ends_at, subscription.tries = end, 0
    subscription.charge_at = _first_charge(subscription)
    subscription.save()
    return end


def undo(account: Account, payment: Payment, *, now: datetime) -> None:
    """The whole purchase of a plan goes back: its lot ends now, other lots keep their end.

    With the last of them the plan ends too. Once, with the account locked.
    """
    Lot.objects.filter(pk=payment.lot_id, expires_at__gt=now).update(expires_at=now)
    subscription = Subscription.objects.get(account=account)
    last = _latest(running_lots(account, now))
    subscription.ends_at = last or max(now, subscription.started_at)
    subscription.renews = subscription.renews and last is not None
    subscription.charge_at = _first_charge(subscription)
    subscription.save(update_fields=["ends_at", "renews", "charge_at"])


def running_lots(account: Account, now: datetime) -> QuerySet[Lot]:
    return account.lots.filter(kind=Kind.PLAN, expires_at__gt=now)


def plan_of(user_id: int) -> Subscription | None:
    """The person's plan, while it runs."""
    running = Subscription.objects.running().select_related("product")
    return running.filter(account__user=user_id).first()


@transaction.atomic
def cancel(account: Account) -> Subscription:
    """No further renewal. What was paid for runs to its end; a grace ends at once."""
    subscription = _locked(account)
    if subscription.renews:
        subscription.renews, subscription.charge_at = False, None
        subscription.cancelled_at = timezone.now()
        subscription.save(update_fields=["renews", "charge_at", "cancelled_at"])
    return subscription


@transaction.atomic
def resume(account: Account) -> Subscription:
    """Renew again, while the plan still runs and the method that the person saved is there."""
    subscription = _locked(account)
    if not subscription.method or subscription.ends_at <= timezone.now():
        raise refused("subscription_ended", status=409)
    subscription.renews, subscription.cancelled_at, subscription.tries = True, None, 0
    subscription.charge_at = _first_charge(subscription)
    subscription.save(update_fields=["renews", "cancelled_at", "tries", "charge_at"])
    return subscription


def due(now: datetime) -> QuerySet[Subscription]:
    """Whose renewal is to be charged now. One try is one payment, so asking twice is harmless."""
    waiting = Subscription.objects.filter(renews=True, charge_at__lte=now)
    return waiting.select_related("account", "product").order_by("charge_at", "pk")


@transaction.atomic
def charge_failed(subscription: Subscription, permanent: bool) -> bool:
    """The charge of this try came to nothing: when to try next, or the end of it.

    ``subscription`` is as it was at the try: told twice, it counts once. ``permanent``: the method
    will never do again. Returns whether another try follows.
    """
    ledger.lock_accounts(subscription.account_id)
    tried = Subscription.objects.filter(
        pk=subscription.pk, ends_at=subscription.ends_at, tries=subscription.tries, renews=True
    )
    after = RETRY_DAYS[subscription.tries :][:1]
    if after and not permanent:
        next_at = subscription.ends_at + td(days=after[0])
        return bool(tried.update(tries=subscription.tries + 1, charge_at=next_at))
    forgotten = {"method": ""} if permanent else {}
    tried.update(tries=subscription.tries + 1, renews=False, charge_at=None, **forgotten)
    return False


def reminders(now: datetime) -> list[Subscription]:
    """Whom to remind of the end now, once for each of REMIND_DAYS; marks them as reminded.

    ``reminded_days`` of each says how near the end is; ``renews`` whether it will be charged.
    """
    near = Subscription.objects.running(now).filter(ends_at__lte=now + td(days=max(REMIND_DAYS)))
    rows = near.select_related("account", "product").order_by("ends_at", "pk")
    return [subscription for subscription in rows if _mark(subscription, now)]


def _mark(subscription: Subscription, now: datetime) -> bool:
    """Whether this look is the one that reminds: of two at once only one is."""
    end = subscription.ends_at
    days = min(days for days in REMIND_DAYS if end <= now + td(days=days))
    seen = {"reminded_for": subscription.reminded_for, "reminded_days": subscription.reminded_days}
    if seen["reminded_for"] == end and seen["reminded_days"] <= days:
        return False
    subscription.reminded_for, subscription.reminded_days = end, days
    as_seen = Subscription.objects.filter(pk=subscription.pk, ends_at=end, **seen)
    return bool(as_seen.update(reminded_for=end, reminded_days=days))


def _locked(account: Account) -> Subscription:
    ledger.lock_accounts(account.pk)
    subscription = Subscription.objects.filter(account=account).first()
    if subscription is None:
        raise refused("subscription_none", status=404)
    return subscription


def _renew_by(subscription: Subscription, payment: Payment) -> None:
    """A method saved with consent renews from now on; a single purchase changes nothing of that."""
    if payment.purpose == Payment.Purpose.PURCHASE and payment.save_method and payment.method:
        subscription.gateway, subscription.method = payment.gateway, payment.method
        subscription.renews, subscription.cancelled_at = True, None


def _first_charge(subscription: Subscription) -> datetime | None:
    ours = subscription.renews and subscription.gateway not in CHARGE_THEMSELVES
    return subscription.ends_at if ours else None


def _latest(lots: QuerySet[Lot]) -> datetime | None:
    return lots.aggregate(last=Max("expires_at"))["last"]
