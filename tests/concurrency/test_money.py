"""Money under many hands at once: once is once, and never more than there is."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.db.models import Sum

from billing import gifts, ledger, payments, promos, referrals
from billing.catalogue import price_of
from billing.granting import Grant, grant_many
from billing.models import Entry, Kind, Lot, Promo, Refund
from billing.problem import Problem
from telegram_integration.models import User
from tests.bench import books
from tests.billing.buying import as_if_bought, buy
from tests.conftest import make_person

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


def test_a_purchase_is_given_back_once_by_staff_who_all_decide_at_once(
    person: User, together: Together, settings: Any
) -> None:
    settings.DEBUG = True  # the sandbox exists nowhere else
    payment, one = buy(person), uuid.uuid4()

    def decide(number: int) -> object:
        code = one if number % 2 else uuid.uuid4()
        return payments.refund(payment, Decimal("50"), "asked", code=code, seen=Decimal(0))

    answers = together(16, decide)
    refusals = {answer.code for answer in answers if isinstance(answer, Problem)}
    assert refusals <= {"refund_going_on", "refund_meanwhile"}
    assert Refund.objects.get().amount == Decimal("50.00")
    assert left(person).credit == 79


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


def test_a_gift_is_taken_by_one_of_64(person: User, together: Together) -> None:
    as_if_bought(person)
    gift = gifts.give(person.account, 3)
    takers = [make_person(f"taker {number}") for number in range(64)]
    answers = together(64, lambda n: gifts.take(takers[n].account, gift.token))
    codes = [answer.code for answer in answers if isinstance(answer, Problem)]
    assert codes == ["gift_taken"] * 63
    assert sorted(left(taker).credit for taker in takers) == [5] * 63 + [8]


def test_two_who_give_to_each_other_at_once_do_not_wait_for_each_other(
    person: User, stranger: User, together: Together
) -> None:
    as_if_bought(person, stranger)
    pairs = [(person, stranger), (stranger, person)] * 4
    presents = [gifts.give(giver.account, 1) for giver, _taker in pairs]
    answers = together(8, lambda n: gifts.take(pairs[n][1].account, presents[n].token).status)
    assert answers == ["taken"] * 8
    assert (left(person).credit, left(stranger).credit) == (5, 5)


def test_a_gift_is_taken_or_goes_back_never_both(
    person: User, stranger: User, together: Together
) -> None:
    as_if_bought(person)
    gift = gifts.give(person.account, 3)
    with time_machine.travel(gift.expires_at, tick=False):
        together(16, lambda n: gifts.return_unused(gift.expires_at) if n % 2 else
                 gifts.take(stranger.account, gift.token))  # fmt: skip
    assert (left(person).credit, left(stranger).credit) == (5, 5)


def test_a_promo_code_for_five_is_used_by_five_of_32(db: None, together: Together) -> None:
    Promo.objects.create(code="SPRING", sort="credits", value=20, limit=5)
    people = [make_person(f"shopper {number}") for number in range(32)]
    together(32, lambda n: promos.redeem(people[n].account, "SPRING"))
    assert sorted(left(one).credit for one in people) == [5] * 27 + [25] * 5


def test_a_promo_code_tapped_16_times_is_used_once(person: User, together: Together) -> None:
    Promo.objects.create(code="SPRING", sort="credits", value=20)
    together(16, lambda _n: promos.redeem(person.account, "SPRING"))
    assert left(person).credit == 25


def test_two_who_invite_each_other_at_once_are_bound_one_way(
    person: User, stranger: User, together: Together
) -> None:
    ways = [(person, stranger), (stranger, person)] * 4
    answers = together(8, lambda n: referrals.bind(ways[n][0].pk, ways[n][1].account.invite_code))
    assert sorted(answers) == [False] * 7 + [True]


def test_two_first_pictures_at_once_thank_the_inviter_once(
    person: User, stranger: User, together: Together
) -> None:
    referrals.bind(stranger.pk, person.account.invite_code)

    def finish(_number: int) -> None:
        with transaction.atomic():
            referrals.first_picture(stranger.pk)

    assert together(8, finish) == [None] * 8
    assert left(person).credit == 15


def test_a_batch_of_grants_by_several_at_once_is_made_once(db: None, together: Together) -> None:
    accounts = [make_person(f"one of many {number}").account for number in range(50)]
    batch = [Grant(one.pk, Kind.CREDIT, 7, f"action:{one.pk}", "action") for one in accounts]
    assert sum(together(8, lambda _n: grant_many(batch))) == 50
    assert Lot.objects.filter(source="action").count() == 50


def test_a_lot_is_taken_back_once_while_it_is_spent(person: User, together: Together) -> None:
    lot = ledger.grant(person.account, Kind.CREDIT, 100, key="test:1", source="pack")
    price = price_of("edit")

    def act(number: int) -> object:
        if number % 2:
            return ledger.take_back(lot, key="refund:1:take", reason="refund")
        return ledger.charge(person.pk, price, key=f"race:{number}:charge", reason="edit")

    taken = {answer for answer in together(16, act) if isinstance(answer, int)}
    assert len(taken) == 1
    assert Lot.objects.get(pk=lot.pk).remaining == 0


def test_a_small_bench_of_the_books_stands_kills_and_cuts() -> None:
    assert "acknowledged" in books.main(operations=300, writers=4).counted
