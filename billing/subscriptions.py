"""A plan's time: purchases and renewals extend it, the clock ends it.

A plan runs exactly as long as one of its lots has not expired; nothing has to run for it to end.
The row here says until when, whether the next period is charged, and by which saved method. While
a failed renewal is tried again (`GRACE`) the person keeps a plan's limits, but none of its actions.
Who changes a row holds its account's lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from datetime import timedelta as td

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from billing import ledger, notices, standing
from billing.models import Account, Currency, Kind, Lot, Notice, Payment, Subscription
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
    standing.follow(subscription)
    notices.close_all(account.pk)
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
    standing.follow(subscription)
    notices.close_all(account.pk)


def running_lots(account: Account, now: datetime) -> QuerySet[Lot]:
    return account.lots.filter(kind=Kind.PLAN, expires_at__gt=now)


def plan_of(user_id: int) -> Subscription | None:
    """The person's plan, while it runs or its renewal is being tried."""
    going_on = Subscription.objects.running() | Subscription.objects.in_grace()
    return going_on.select_related("product").filter(account__user=user_id).first()


def ends_of(user_ids: Iterable[int]) -> dict[int, datetime]:
    """When the plan of each ends or has ended; who never had one is left out."""
    theirs = Subscription.objects.filter(account__user__in=user_ids)
    return dict(theirs.values_list("account__user", "ends_at"))


@transaction.atomic
def cancel(account: Account) -> Subscription:
    """No further renewal. What was paid for runs to its end; a grace ends at once."""
    subscription = _locked(account)
    if subscription.renews:
        subscription.renews, subscription.charge_at = False, None
        subscription.cancelled_at = timezone.now()
        subscription.save(update_fields=["renews", "charge_at", "cancelled_at"])
        standing.follow(subscription)
        notices.close_all(account.pk)
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
    standing.follow(subscription)
    notices.close_all(account.pk)
    return subscription


def due(now: datetime) -> QuerySet[Subscription]:
    """Whose renewal is to be charged now. One try is one payment, so asking twice is harmless."""
    waiting = Subscription.objects.filter(renews=True, charge_at__lte=now)
    return waiting.select_related("account", "product").order_by("charge_at", "pk")


@transaction.atomic
def charge_failed(subscription: Subscription, reason: str, *, permanent: bool) -> bool:
    """The charge of this try came to nothing: when to try next, or the end of it.

    ``subscription`` is as it was at the try: told twice, it counts once. ``permanent``: the method
    will never do again. The person hears of it. Returns whether another try follows.
    """
    ledger.lock_accounts(subscription.account_id)
    tried = Subscription.objects.filter(
        pk=subscription.pk, ends_at=subscription.ends_at, tries=subscription.tries, renews=True
    )
    after = RETRY_DAYS[subscription.tries :][:1]
    if after and not permanent:
        next_at = subscription.ends_at + td(days=after[0])
        counted = tried.update(tries=subscription.tries + 1, charge_at=next_at)
        if counted:
            _tell_failure(subscription, Notice.Sort.RENEWAL_FAILED, reason, next_at)
        return bool(counted)
    forgotten = {"method": ""} if permanent else {}
    if tried.update(tries=subscription.tries + 1, renews=False, charge_at=None, **forgotten):
        _tell_failure(subscription, Notice.Sort.RENEWAL_OVER, reason, subscription.ends_at)
    return False


def _tell_failure(plan: Subscription, sort: str, reason: str, at: datetime) -> None:
    key = f"renewal:{plan.pk}:{plan.ends_at.isoformat()}:{plan.tries}"
    data = _told(plan) | {"at": at.isoformat(), "reason": reason}
    notices.note(plan.account_id, sort, key=key, **data)


def remind(now: datetime) -> int:
    """Write to whoever's plan ends within REMIND_DAYS, once for each of them. Returns how many
    were looked at.
    """
    near = Subscription.objects.running(now).filter(ends_at__lte=now + td(days=max(REMIND_DAYS)))
    notices = [_reminder(plan, now) for plan in near.select_related("product")]
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
    return len(notices)


def _reminder(plan: Subscription, now: datetime) -> Notice:
    days = min(days for days in REMIND_DAYS if plan.ends_at <= now + td(days=days))
    data = _told(plan) | {"price": str(plan.product.rubles)}
    if plan.renews and plan.gateway in CHARGE_THEMSELVES:
        data |= {"price": str(plan.product.stars or 0), "currency": Currency.XTR.value}
    return Notice(
        account_id=plan.account_id, key=f"plan:{plan.pk}:{plan.ends_at.isoformat()}:{days}",
        sort=Notice.Sort.PLAN_RENEWS if plan.renews else Notice.Sort.PLAN_ENDS, data=data,
    )  # fmt: skip


def _told(plan: Subscription) -> dict[str, str]:
    return {
        "product": plan.product.code, "name": plan.product.name, "at": plan.ends_at.isoformat(),
        "currency": Currency.RUB.value,
    }  # fmt: skip


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
        if payment.gateway in CHARGE_THEMSELVES:
            standing.begin(subscription)


def _first_charge(subscription: Subscription) -> datetime | None:
    ours = subscription.renews and subscription.gateway not in CHARGE_THEMSELVES
    return subscription.ends_at if ours else None


def _latest(lots: QuerySet[Lot]) -> datetime | None:
    return lots.aggregate(last=Max("expires_at"))["last"]
