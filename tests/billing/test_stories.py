"""Stories that read like a page of the ledger: after each line, what the person has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from billing import audit, gifts, ledger, payments, promos, referrals, subscriptions
from billing.catalogue import price_of
from billing.gateways import sandbox
from billing.models import Payment, Promo, Subscription
from telegram_integration.models import User
from tests.billing.buying import as_if_bought, at_the_bank, buy, order
from tests.conftest import make_person

pytestmark = pytest.mark.django_db

BEGIN = datetime(2026, 11, 1, 12, tzinfo=UTC)
Clock = time_machine.Traveller


@pytest.fixture(autouse=True)
def _shop(settings: Any) -> Iterator[None]:
    settings.DEBUG = True
    yield
    assert audit.findings() == []


@pytest.fixture
def clock() -> Iterator[Clock]:
    with time_machine.travel(BEGIN, tick=False) as clock:
        yield clock


@pytest.fixture
def ann(db: None, clock: Clock) -> User:
    return make_person("ann")


def has(user: User) -> tuple[int, int, int]:
    """Plan actions, credits, free actions."""
    have = ledger.balance(user.pk)
    return have.plan, have.credit, have.free


def asks(user: User, tool: str, number: int, count: int = 1) -> str:
    key = f"job:{user.pk}-{number}:charge"
    ledger.charge(user.pk, price_of(tool), key=key, reason=tool, count=count)
    return key


def fails(user: User, key: str) -> None:
    ledger.refund(user.pk, key, key=key.replace("charge", "refund"), reason="edit failed")


def days(number: int) -> timedelta:
    return timedelta(days=number)


def test_she_buys_spends_and_a_picture_fails(ann: User) -> None:
    assert has(ann) == (0, 5, 10)
    buy(ann, "pack-100")
    assert has(ann) == (0, 105, 10)
    asks(ann, "tryon", 1)
    assert has(ann) == (0, 103, 10)
    asks(ann, "imagine", 2, count=4)
    assert has(ann) == (0, 99, 10)
    failed = asks(ann, "edit", 3)
    assert has(ann) == (0, 98, 10)
    fails(ann, failed)
    assert has(ann) == (0, 99, 10)
    fails(ann, failed)
    assert has(ann) == (0, 99, 10)


def test_a_purchase_is_given_back_as_far_as_it_is_left(ann: User) -> None:
    payment = buy(ann, "pack-100")
    asks(ann, "imagine", 1, count=4)
    asks(ann, "imagine", 2, count=4)
    assert has(ann) == (0, 97, 10)  # the five of the welcome went first, then three of these
    payments.refund(payment, None, "asked for")
    assert has(ann) == (0, 0, 10)


def test_one_of_two_purchases_is_given_back_and_the_other_stays(ann: User, clock: Clock) -> None:
    first = buy(ann, "pack-100")
    clock.shift(days(1))
    buy(ann, "pack-300")
    assert has(ann) == (0, 405, 10)
    asks(ann, "imagine", 1, count=4)
    asks(ann, "imagine", 2, count=4)
    assert has(ann) == (0, 397, 10)
    payments.refund(first, Decimal("99.50"), "half of it")
    assert has(ann) == (0, 347, 10)
    payments.refund(first, None, "and the rest")
    assert has(ann) == (0, 300, 10)


def test_a_plan_is_renewed_early_and_nothing_burns(ann: User, clock: Clock) -> None:
    buy(ann, "basic")
    assert has(ann) == (50, 5, 10)
    asks(ann, "tryon", 1)
    assert has(ann) == (49, 5, 10)
    clock.shift(days(20))
    buy(ann, "basic")
    assert has(ann) == (99, 5, 10)
    clock.shift(days(39))  # the 59th day of sixty
    assert has(ann) == (99, 5, 10)
    clock.shift(days(1))
    assert has(ann) == (0, 5, 10)


def test_she_upgrades_and_keeps_what_was_left(ann: User, clock: Clock) -> None:
    buy(ann, "basic", save_method=True)
    asks(ann, "edit", 1)
    assert has(ann) == (49, 5, 10)
    clock.shift(days(10))
    buy(ann, "premium")
    assert has(ann) == (549, 5, 10)
    plan = Subscription.objects.get()
    assert (plan.product.code, plan.ends_at) == ("premium", BEGIN + days(60))


def test_a_plan_renews_by_itself_until_she_stops_it(ann: User, clock: Clock) -> None:
    buy(ann, "basic", save_method=True)
    assert has(ann) == (50, 5, 10)
    clock.shift(days(30))
    for due in subscriptions.due(BEGIN + days(30)):
        payments.renew(due)
    assert has(ann) == (50, 5, 10)
    assert Payment.objects.filter(purpose="renewal", status="succeeded").count() == 1
    subscriptions.cancel(ann.account)
    clock.shift(days(30))
    assert list(subscriptions.due(BEGIN + days(60))) == []
    assert has(ann) == (0, 5, 10)


def test_she_lets_a_plan_expire_and_her_credits_stay(ann: User, clock: Clock) -> None:
    buy(ann, "basic")
    buy(ann, "pack-100")
    asks(ann, "assistant", 1)
    assert has(ann) == (50, 105, 10)  # the assistant is free with a plan
    clock.shift(days(30))
    assert has(ann) == (0, 105, 10)
    asks(ann, "assistant", 2)
    assert has(ann) == (0, 104, 10)


def test_a_friend_comes_by_her_link(ann: User) -> None:
    friend = make_person("zoe")
    assert referrals.bind(friend.pk, ann.account.invite_code)
    assert has(ann) == (0, 5, 10)
    asks(friend, "tryon", 1)
    referrals.first_picture(friend.pk)
    assert has(ann) == (0, 15, 10)
    assert has(friend) == (0, 3, 10)
    referrals.first_picture(friend.pk)
    assert has(ann) == (0, 15, 10)


def test_she_uses_a_code_for_credits_and_another_for_a_discount(ann: User) -> None:
    Promo.objects.create(code="HELLO", sort="credits", value=20)
    Promo.objects.create(code="HALF", sort="percent", value=50)
    promos.redeem(ann.account, "hello")
    assert has(ann) == (0, 25, 10)
    declined = order(ann, "pack-100", promo="half")
    sandbox.decline(at_the_bank(declined))
    payments.settle(declined)
    assert has(ann) == (0, 25, 10)
    payment = buy(ann, "pack-100", promo="half")
    assert payment.amount == Decimal("99.50")
    assert has(ann) == (0, 125, 10)


def test_a_gift_that_nobody_takes_comes_back(ann: User, clock: Clock) -> None:
    as_if_bought(ann)
    gifts.give(ann.account, 4)
    assert has(ann) == (0, 1, 10)
    clock.shift(days(31))
    gifts.return_unused(BEGIN + days(31))
    assert has(ann) == (0, 5, 10)


@pytest.mark.parametrize("times", [1, 3], ids=["once", "three times"])
def test_told_often_paid_once(ann: User, times: int) -> None:
    payment = order(ann, "pack-100")
    sandbox.pay(at_the_bank(payment))
    for _time in range(times):
        payments.settle(payment)
    assert has(ann) == (0, 105, 10)


def test_free_actions_pay_when_nothing_else_does_and_come_again(ann: User, clock: Clock) -> None:
    for number in range(5):
        asks(ann, "edit", number)
    assert has(ann) == (0, 0, 10)
    asks(ann, "tryon", 5)
    assert has(ann) == (0, 0, 9)
    clock.shift(days(30))
    assert has(ann) == (0, 0, 10)
