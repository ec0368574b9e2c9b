"""The ledger as stories: the balance is asserted after each line."""

from __future__ import annotations

from datetime import timedelta as td

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing import ledger
from billing.audit import findings
from billing.ledger import Balance
from billing.models import Entry, Kind, Lot, Price
from telegram_integration.models import User

EDIT = Price(tool="edit", credits=1, actions=1)
TRYON = Price(tool="tryon", credits=2, actions=1)

pytestmark = pytest.mark.django_db


def charge(user: User, price: Price, number: int, count: int = 1) -> ledger.Quote:
    return ledger.charge(user.pk, price, key=f"job:{number}:charge", reason="test", count=count)


def refund(user: User, number: int) -> int:
    key = f"job:{number}:charge"
    return ledger.refund(user.pk, key, key=f"job:{number}:refund", reason="test")


def give(user: User, kind: str, units: int, days: int | None = None) -> Lot:
    expires_at = timezone.now() + td(days=days) if days else None
    key = f"gift:{kind}:{Lot.objects.count()}"
    return ledger.grant(
        ledger.open_account(user.pk), kind, units, key=key, source="gift", expires_at=expires_at
    )


def test_a_newcomer_has_five_credits_and_ten_free_actions(person: User) -> None:
    assert ledger.balance(person.pk) == Balance(credit=5, free=10)


def test_credits_are_spent_before_free_actions(person: User) -> None:
    assert charge(person, TRYON, 1) == ledger.Quote("credit", 2)
    assert ledger.balance(person.pk) == Balance(credit=3, free=10)
    charge(person, TRYON, 2)
    assert ledger.balance(person.pk) == Balance(credit=1, free=10)
    assert charge(person, TRYON, 3) == ledger.Quote("free", 1)
    assert ledger.balance(person.pk) == Balance(credit=1, free=9)
    charge(person, EDIT, 4)
    assert ledger.balance(person.pk) == Balance(credit=0, free=9)
    assert findings() == []


def test_plan_actions_are_spent_first(person: User) -> None:
    give(person, Kind.PLAN, 2, days=30)
    assert charge(person, TRYON, 1).unit == "plan"
    assert ledger.balance(person.pk) == Balance(plan=1, credit=5, free=10, on_plan=True)


def test_only_free_actions_bring_a_watermark(person: User) -> None:
    assert not charge(person, TRYON, 1).watermark
    assert charge(person, EDIT, 2, count=4).watermark


def test_of_several_lots_the_one_that_expires_first_is_drawn_first(person: User) -> None:
    late, soon = give(person, Kind.PLAN, 5, days=20), give(person, Kind.PLAN, 2, days=3)
    charge(person, EDIT, 1, count=4)
    late.refresh_from_db()
    soon.refresh_from_db()
    assert (soon.remaining, late.remaining) == (0, 3)
    refund(person, 1)
    assert ledger.balance(person.pk).plan == 7
    assert findings() == []


def test_a_charge_made_twice_is_made_once(person: User) -> None:
    first, again = charge(person, TRYON, 1), charge(person, TRYON, 1)
    assert first == again
    assert ledger.balance(person.pk).credit == 3


def test_a_refund_made_twice_is_made_once(person: User) -> None:
    charge(person, TRYON, 1)
    assert refund(person, 1) == 2
    assert refund(person, 1) == 0
    assert ledger.balance(person.pk).credit == 5


def test_a_refund_without_a_charge_moves_nothing(person: User) -> None:
    assert refund(person, 1) == 0
    assert ledger.balance(person.pk) == Balance(credit=5, free=10)


def test_who_cannot_pay_is_told_what_is_missing_and_keeps_everything(person: User) -> None:
    charge(person, EDIT, 1, count=4)
    charge(person, EDIT, 2, count=8)
    with pytest.raises(ledger.NotEnough) as caught:
        charge(person, TRYON, 3, count=3)
    assert caught.value.quote.missing == 5
    assert ledger.balance(person.pk) == Balance(credit=1, free=2)
    assert not Entry.objects.filter(key="job:3:charge").exists()


def test_free_actions_come_anew_thirty_days_after_the_first_use(person: User) -> None:
    with time_machine.travel("2026-01-01 12:00Z", tick=False):
        charge(person, EDIT, 1, count=6)
        assert ledger.balance(person.pk) == Balance(credit=5, free=4)
    with time_machine.travel("2026-01-31 11:59Z", tick=False):
        assert ledger.balance(person.pk) == Balance(credit=5, free=4)
    with time_machine.travel("2026-01-31 12:01Z", tick=False):
        assert ledger.balance(person.pk) == Balance(credit=5, free=10)
        charge(person, EDIT, 2, count=10)
        assert ledger.balance(person.pk) == Balance(credit=5, free=0)


def test_what_has_expired_cannot_be_spent(person: User) -> None:
    give(person, Kind.PLAN, 5, days=30)
    with time_machine.travel(timezone.now() + td(days=31)):
        assert ledger.balance(person.pk).plan == 0
        assert charge(person, EDIT, 1).unit == "credit"


def test_a_grant_made_twice_is_made_once(person: User) -> None:
    account = ledger.open_account(person.pk)
    for _time in range(2):
        ledger.grant(account, Kind.CREDIT, 7, key="payment:1:grant", source="pack-100")
    assert ledger.balance(person.pk).credit == 12


def test_a_tool_that_costs_nothing_moves_nothing(person: User) -> None:
    bill = charge(person, Price(tool="rotate", credits=0, actions=0), 1)
    assert (bill.amount, bill.watermark) == (0, False)
    assert not Entry.objects.filter(key="job:1:charge").exists()


def test_taking_back_touches_only_that_lot_and_only_what_is_left(person: User) -> None:
    lot = give(person, Kind.CREDIT, 100)
    charge(person, EDIT, 1, count=15)
    assert ledger.take_back(lot, 40, key="refund:1:take", reason="refund") == 40
    assert ledger.take_back(lot, key="refund:2:take", reason="refund") == 50
    assert ledger.take_back(lot, key="refund:3:take", reason="refund") == 0
    assert ledger.balance(person.pk) == Balance(credit=0, free=10)
    assert findings() == []


def test_taking_back_under_one_key_takes_once_and_says_the_same(person: User) -> None:
    lot = give(person, Kind.CREDIT, 100)
    taken = [ledger.take_back(lot, 40, key="refund:1:take", reason="refund") for _time in "ab"]
    assert taken == [40, 40]
    assert ledger.balance(person.pk).credit == 65


def test_what_was_taken_back_comes_back_when_the_money_does_not_go(person: User) -> None:
    lot = give(person, Kind.CREDIT, 100)
    ledger.take_back(lot, key="refund:1:take", reason="refund")
    for _time in range(2):
        ledger.refund(person.pk, "refund:1:take", key="refund:1:back", reason="refused")
    assert ledger.balance(person.pk).credit == 105
    assert findings() == []


def test_drawing_credits_spares_the_plan_and_the_free_actions(person: User) -> None:
    give(person, Kind.PLAN, 50, days=30)
    for _time in range(2):
        ledger.draw_credits(person.pk, 3, key="gift:1:charge", reason="gift")
    assert ledger.balance(person.pk) == Balance(plan=50, credit=2, free=10, on_plan=True)


def test_more_credits_than_there_are_cannot_be_withdrawn(person: User) -> None:
    give(person, Kind.PLAN, 50, days=30)
    with pytest.raises(ledger.NotEnough):
        ledger.withdraw(person.account, 6, key="withdraw:1", reason="by mistake")
    ledger.withdraw(person.account, 5, key="withdraw:1", reason="by mistake")
    assert ledger.balance(person.pk).credit == 0
    assert Entry.objects.get(key="withdraw:1").reason == "by mistake"


def test_the_key_of_somebody_elses_charge_pays_nothing(person: User, stranger: User) -> None:
    charge(person, EDIT, 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        charge(stranger, EDIT, 1)
    assert ledger.balance(stranger.pk).credit == 5
