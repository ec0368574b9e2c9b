"""The only code that moves credits: grant, charge, refund, take back.

Every move locks the account, looks again, and writes under a unique key: done twice, it is done
once. What a person has is paid in this order: plan actions (they expire), credits, free actions
(the result then carries a watermark). One kind pays a whole job.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta as td
from typing import Protocol

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.drawing import Spendable, draw, spendable
from billing.models import Account, Entry, Kind, Lot, Price, Subscription
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
    on_plan: bool = False

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


@transaction.atomic
def open_account_again(user_id: int) -> Account:
    """For somebody who had one before: what is given to newcomers was theirs already.

    So the welcome credits are taken back at once, and the first free period has no actions in it.
    """
    account = open_account(user_id)
    welcome = account.lots.get(key=f"welcome:{account.pk}")
    for lot in (welcome, _begin_free_period(account)):
        take_back(lot, key=f"lot:{lot.pk}:again", reason="here before")
    return account


def balance(user_id: int) -> Balance:
    """What the person can spend now. Free actions of a period not yet begun count as there."""
    lots = list(Lot.objects.filter(account__user=user_id).that_count())
    have = _add_up(lots)
    return have if _free_period_runs(lots) else replace(have, free=FREE_ACTIONS)


def has_plan(user_id: int) -> bool:
    """Whether a plan raises the person's limits: it runs, be its actions spent or not, or its
    renewal is being tried (the actions are gone with the end, the limits wait)."""
    lots = Lot.objects.filter(account__user=user_id, kind=Kind.PLAN).that_count()
    return lots.exists() or Subscription.objects.in_grace().filter(account__user=user_id).exists()


def quote(price: Price, have: Balance, count: int = 1) -> Quote:
    """Who pays: the first kind that can pay all of it."""
    for kind in SPENDING_ORDER:
        if _pays(price, kind, have, count):
            return Quote(kind.value, price.amount(kind, count))
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
    lots = spendable(account.pk, key)
    if drawn := [lot for lot in lots if lot.drawn]:
        return Quote(drawn[0].kind, -sum(lot.drawn for lot in drawn))
    have = _add_up(lots)
    if _needs_free(price, have, count) and not _free_period_runs(lots):
        begun = _begin_free_period(account)
        lots.append(Spendable(begun.pk, begun.kind, begun.remaining))
        have = _add_up(lots)
    bill = quote(price, have, count)
    if bill.missing:
        raise NotEnough(bill)
    draw([lot for lot in lots if lot.kind == bill.unit], bill.amount, key=key, reason=reason)
    return bill


@transaction.atomic
def draw_credits(
    user_id: int, units: int, *, key: str, reason: str, sparing: Collection[str] = ()
) -> None:
    """Take credits and nothing else, once under ``key``. `refund` brings them back.

    Lots of the sources in ``sparing`` are left alone.
    """
    account = lock(user_id)
    lots = [lot for lot in spendable(account.pk, key) if lot.kind == Kind.CREDIT]
    if any(lot.drawn for lot in lots):
        return
    if sparing:
        spared = account.lots.filter(source__in=sparing).values_list("pk", flat=True)
        lots = [lot for lot in lots if lot.pk not in set(spared)]
    have = sum(lot.remaining for lot in lots)
    if have < units:
        raise NotEnough(Quote(Kind.CREDIT.value, units, missing=units - have))
    draw(lots, units, key=key, reason=reason)


def withdraw(account: Account, units: int, *, key: str, reason: str) -> None:
    """Staff take credits away, once under ``key``. More than there are is refused."""
    draw_credits(account.user_id, units, key=key, reason=reason)


@transaction.atomic
def take_back(lot: Lot, units: int | None = None, *, key: str, reason: str) -> int:
    """Take what is left of this lot, at most ``units``, once under ``key``; no other is touched.

    Returns the units taken: by this call, or by the earlier one. `refund` brings them back.
    """
    lock_accounts(lot.account_id)
    if before := Entry.objects.filter(key=key).first():
        return -before.delta
    left = Lot.objects.values_list("remaining", flat=True).get(pk=lot.pk)
    take = left if units is None else min(left, units)
    if take:
        draw([Spendable(lot.pk, lot.kind, left)], take, key=key, reason=reason)
    return take


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
    locked = Account.objects.select_for_update(no_key=True).filter(user=user_id)
    for account in locked:
        return account
    return locked.get(pk=open_account(user_id).pk)


def lock_accounts(*account_ids: int) -> dict[int, Account]:
    """Several accounts, locked in the order of their keys so that no two wait for each other."""
    accounts = Account.objects.select_for_update(no_key=True).filter(pk__in=account_ids)
    return {account.pk: account for account in accounts.order_by("pk")}


class Holding(Protocol):
    """What `Lot` and `Spendable` have in common."""

    kind: str
    remaining: int


def _add_up(lots: Iterable[Holding]) -> Balance:
    units = {k.value: sum(lot.remaining for lot in lots if lot.kind == k) for k in SPENDING_ORDER}
    return Balance(**units, on_plan=any(lot.kind == Kind.PLAN for lot in lots))


def _pays(price: Price, kind: Kind, have: Balance, count: int) -> bool:
    """Whether units of this kind pay it all. A tool at 0 actions is free while a plan runs, and
    free actions do not buy it."""
    if kind != Kind.CREDIT and not price.actions:
        return kind == Kind.PLAN and have.on_plan
    return have.of(kind) >= price.amount(kind, count)


def _needs_free(price: Price, have: Balance, count: int) -> bool:
    return price.actions > 0 and not any(
        _pays(price, kind, have, count) for kind in (Kind.PLAN, Kind.CREDIT)
    )


def _free_period_runs(lots: Iterable[Holding]) -> bool:
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
