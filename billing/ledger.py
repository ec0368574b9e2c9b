"""The only code that moves credits: grant, charge, refund.

Every move locks the account, looks again, and writes under a unique key: done twice, it is done
once. What a person has is paid in this order: plan actions (they expire), credits, free actions
(the result then carries a watermark). One kind pays a whole job.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta as td

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models import Account, Entry, Kind, Lot, Price
from billing.problem import Problem

WELCOME_CREDITS = 5
FREE_ACTIONS = 10
FREE_PERIOD = td(days=30)
SPENDING_ORDER = (Kind.PLAN, Kind.CREDIT, Kind.FREE)


@dataclass(frozen=True)
class Balance:
    """Whole units that can be spent now."""

    plan: int = 0
    credit: int = 0
    free: int = 0

    def of(self, kind: str) -> int:
        return getattr(self, kind)


@dataclass(frozen=True)
class Quote:
    """What a job costs this person: units of one kind. ``missing`` credits, when not enough."""

    unit: str
    amount: int
    missing: int = 0

    @property
    def watermark(self) -> bool:
        return self.unit == Kind.FREE and self.amount > 0


class NotEnough(Problem):
    """The person cannot pay. Nothing was changed."""

    status = 402

    def __init__(self, quote: Quote) -> None:
        super().__init__(
            "not_enough",
            _("You do not have enough credits for this. Nothing was charged."),
            missing={"unit": Kind.CREDIT.value, "amount": quote.missing},
            price={"unit": Kind.CREDIT.value, "amount": quote.amount},
        )
        self.quote = quote


def open_account(user_id: int) -> Account:
    """The person's account, made at first sight with the welcome credits."""
    account, _created = Account.objects.get_or_create(user_id=user_id)
    grant(account, Kind.CREDIT, WELCOME_CREDITS, key=f"welcome:{account.pk}", source="welcome")
    return account


def balance(user_id: int) -> Balance:
    """What the person can spend now. Free actions of a period not yet begun count as there."""
    lots = list(Lot.objects.filter(account__user=user_id).that_count())
    have = _add_up(lots)
    return have if _free_period_runs(lots) else replace(have, free=FREE_ACTIONS)


def has_plan(user_id: int) -> bool:
    """Whether a plan runs: it raises the person's limits."""
    return Lot.objects.filter(account__user=user_id, kind=Kind.PLAN).live().exists()


def quote(price: Price, have: Balance, count: int = 1) -> Quote:
    """Who pays: the first kind that can pay all of it."""
    for kind in SPENDING_ORDER:
        amount = price.amount(kind, count)
        if have.of(kind) >= amount:
            return Quote(kind.value, amount)
    amount = price.amount(Kind.CREDIT, count)
    return Quote(Kind.CREDIT.value, amount, missing=amount - have.credit)


@transaction.atomic
def grant(
    account: Account,
    kind: str,
    units: int,
    *,
    key: str,
    source: str,
    expires_at: object = None,
) -> Lot:
    """Give ``units`` once under ``key``; the lot of an earlier call is returned unchanged."""
    if lot := Lot.objects.filter(key=key).first():
        return lot
    lock(account.user_id)
    lot, created = Lot.objects.get_or_create(
        key=key,
        defaults={
            "account": account,
            "kind": kind,
            "granted": units,
            "remaining": units,
            "source": source,
            "expires_at": expires_at,
        },
    )
    if created:
        Entry.objects.create(lot=lot, delta=units, key=f"lot:{lot.pk}:grant", reason=source)
    return lot


@transaction.atomic
def charge(user_id: int, price: Price, *, key: str, reason: str, count: int = 1) -> Quote:
    """Take what ``count`` pictures cost, once under ``key``. Raises NotEnough."""
    return charge_locked(lock(user_id), price, key=key, reason=reason, count=count)


def charge_locked(
    account: Account, price: Price, *, key: str, reason: str, count: int = 1
) -> Quote:
    """The same in the caller's transaction, for an account that `lock` gave it there."""
    drawn = list(Entry.objects.filter(key=key).select_related("lot"))
    if drawn:
        return Quote(drawn[0].lot.kind, -sum(entry.delta for entry in drawn))
    lots = list(account.lots.that_count())
    have = _add_up(lots)
    if _needs_free(price, have, count) and not _free_period_runs(lots):
        lots.append(_begin_free_period(account))
        have = _add_up(lots)
    bill = quote(price, have, count)
    if bill.missing:
        raise NotEnough(bill)
    _draw([lot for lot in lots if lot.kind == bill.unit], bill.amount, key=key, reason=reason)
    return bill


@transaction.atomic
def refund(user_id: int, charge_key: str, *, key: str, reason: str) -> int:
    """Put back exactly what a charge drew, into the lots it came from. Returns the units."""
    lock(user_id)
    if Entry.objects.filter(key=key).exists():
        return 0
    drawn = list(Entry.objects.filter(key=charge_key).order_by("part"))
    for entry in drawn:
        Lot.objects.filter(pk=entry.lot_id).update(remaining=F("remaining") - entry.delta)
    Entry.objects.bulk_create(
        Entry(lot_id=entry.lot_id, delta=-entry.delta, key=key, part=entry.part, reason=reason)
        for entry in drawn
    )
    return -sum(entry.delta for entry in drawn)


def lock(user_id: int) -> Account:
    """The person's account, locked until the transaction ends.

    The fixed lock order of every money change: this row first, lots after it.
    """
    locked = Account.objects.select_for_update().filter(user=user_id)
    return locked.first() or locked.get(pk=open_account(user_id).pk)


def _add_up(lots: list[Lot]) -> Balance:
    return Balance(
        **{kind: sum(lot.remaining for lot in lots if lot.kind == kind) for kind in SPENDING_ORDER}
    )


def _needs_free(price: Price, have: Balance, count: int) -> bool:
    return all(have.of(kind) < price.amount(kind, count) for kind in (Kind.PLAN, Kind.CREDIT))


def _free_period_runs(lots: list[Lot]) -> bool:
    """A period runs on after its last action is spent: the next one begins when it has ended."""
    return any(lot.kind == Kind.FREE for lot in lots)


def _begin_free_period(account: Account) -> Lot:
    now = timezone.now()
    number = account.lots.filter(kind=Kind.FREE).count() + 1
    return grant(
        account,
        Kind.FREE,
        FREE_ACTIONS,
        key=f"free:{account.pk}:{number}",
        source="free",
        expires_at=now + FREE_PERIOD,
    )


def _draw(lots: list[Lot], units: int, *, key: str, reason: str) -> None:
    """Soonest to expire first, oldest first among equals."""
    entries = []
    for lot in sorted(lots, key=_soonest):
        take = min(lot.remaining, units)
        if not take:
            continue
        Lot.objects.filter(pk=lot.pk).update(remaining=F("remaining") - take)
        entries.append(Entry(lot=lot, delta=-take, key=key, part=len(entries), reason=reason))
        units -= take
    Entry.objects.bulk_create(entries)


def _soonest(lot: Lot) -> tuple[bool, object, int]:
    return (lot.expires_at is None, lot.expires_at or lot.created_at, lot.pk)
