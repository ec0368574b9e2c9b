"""Money under many hands at once: once is once, and never more than there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from billing import ledger
from billing.catalogue import price_of
from billing.models import Entry, Kind, Lot
from telegram_integration.models import User

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="needs PostgreSQL: set DATABASE_URL"
    ),
]

Together = Callable[..., list[Any]]


def left(user: User) -> ledger.Balance:
    return ledger.balance(user.pk)


def leave_one_credit(user: User) -> None:
    """5 welcome credits and 10 free actions are there: 15 charges leave nothing."""
    for number in range(15):
        ledger.charge(user.pk, price_of("edit"), key=f"before:{number}:charge", reason="edit")
    ledger.grant(user.account, Kind.CREDIT, 1, key="the last", source="grant")
    assert left(user) == ledger.Balance(credit=1)


def test_the_last_credit_is_spent_once_by_64_at_once(person: User, together: Together) -> None:
    leave_one_credit(person)
    price = price_of("edit")
    answers = together(
        64, lambda n: ledger.charge(person.pk, price, key=f"race:{n}:charge", reason="edit")
    )
    refused = [answer for answer in answers if isinstance(answer, ledger.NotEnough)]
    assert (len(answers), len(refused)) == (64, 63)
    assert left(person) == ledger.Balance()
    assert Entry.objects.filter(key__startswith="race:").count() == 1


def test_one_charge_under_one_key_is_taken_once(person: User, together: Together) -> None:
    price = price_of("edit")
    bills = together(
        16, lambda _n: ledger.charge(person.pk, price, key="one:1:charge", reason="edit")
    )
    assert bills == [ledger.Quote("credit", 1)] * 16
    assert left(person).credit == 4


def test_a_refund_asked_for_twice_at_once_is_paid_once(person: User, together: Together) -> None:
    ledger.charge(person.pk, price_of("tryon"), key="one:1:charge", reason="tryon")
    back = together(
        16, lambda _n: ledger.refund(person.pk, "one:1:charge", key="one:1:refund", reason="x")
    )
    assert sorted(back) == [0] * 15 + [2]
    assert left(person).credit == 5


def test_the_free_period_begins_once(person: User, together: Together) -> None:
    price = price_of("edit")
    for number in range(5):
        ledger.charge(person.pk, price, key=f"before:{number}:charge", reason="edit")
    together(16, lambda n: ledger.charge(person.pk, price, key=f"race:{n}:charge", reason="edit"))
    free = Lot.objects.filter(kind=Kind.FREE)
    assert free.aggregate(granted=Sum("granted"), left=Sum("remaining")) == {
        "granted": 10,
        "left": 0,
    }
    assert Entry.objects.filter(key__startswith="race:").count() == 10


def test_an_account_opened_by_many_at_once_is_welcomed_once(db: None, together: Together) -> None:
    user = User.objects.create_user("newcomer")
    accounts = together(16, lambda _n: ledger.open_account(user.pk).pk)
    assert len(set(accounts)) == 1
    assert left(user).credit == ledger.WELCOME_CREDITS
