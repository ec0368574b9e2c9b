"""Gifts as stories: both balances are asserted after each line."""

from __future__ import annotations

import uuid
from datetime import timedelta as td

import pytest
import time_machine
from django.utils import timezone

from billing import gifts, ledger
from billing.audit import findings
from billing.models import Gift, Kind, Lot
from billing.problem import Problem
from telegram_integration.models import User
from tests.billing.buying import as_if_bought
from tests.conftest import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _bought(person: User) -> None:
    as_if_bought(person)


def have(*people: User) -> list[int]:
    return [ledger.balance(one.pk).credit for one in people]


def refusal(user: User, token: str) -> str:
    with pytest.raises(Problem) as caught:
        gifts.take(user.account, token)
    return caught.value.code


def test_a_gift_leaves_the_giver_and_reaches_whoever_takes_it(person: User, stranger: User) -> None:
    gift = gifts.give(person.account, 3, words="for you")
    assert have(person, stranger) == [2, 5]
    gifts.take(stranger.account, gift.token)
    assert have(person, stranger) == [2, 8]
    assert findings() == []


def test_a_gift_given_twice_under_one_code_is_given_once(person: User) -> None:
    code = uuid.uuid4()
    assert gifts.give(person.account, 3, code=code) == gifts.give(person.account, 3, code=code)
    assert have(person) == [2]


def test_a_gift_is_taken_once(person: User, stranger: User) -> None:
    gift = gifts.give(person.account, 3)
    gifts.take(stranger.account, gift.token)
    gifts.take(stranger.account, gift.token)
    assert refusal(make_person("cat"), gift.token) == "gift_taken"
    assert have(person, stranger) == [2, 8]


def test_what_was_a_present_of_the_studio_is_not_given_on(stranger: User) -> None:
    with pytest.raises(Problem, match="gift_for_nothing"):
        gifts.give(stranger.account, 1)
    ledger.grant(stranger.account, Kind.CREDIT, 3, key="grant:1", source="grant")
    with pytest.raises(Problem, match="gift_for_nothing"):
        gifts.give(stranger.account, 4)
    gifts.give(stranger.account, 3)
    assert Lot.objects.get(account=stranger.account, source="welcome").remaining == 5
    with pytest.raises(ledger.NotEnough):
        gifts.give(stranger.account, 6)
    assert have(stranger) == [5]
    assert findings() == []


def test_a_gift_that_was_taken_can_be_given_on(person: User, stranger: User) -> None:
    gifts.take(stranger.account, gifts.give(person.account, 3).token)
    gifts.give(stranger.account, 3)
    assert have(person, stranger) == [2, 5]


def test_nobody_takes_their_own_gift(person: User) -> None:
    assert refusal(person, gifts.give(person.account, 3).token) == "gift_own"


def test_a_gift_that_is_not_there_is_refused(person: User) -> None:
    assert refusal(person, "x") == "gift_unknown"


def test_more_than_there_is_is_not_given(person: User) -> None:
    with pytest.raises(ledger.NotEnough):
        gifts.give(person.account, 6)
    assert have(person) == [5]
    assert not Gift.objects.exists()


@pytest.mark.parametrize("units", [0, -3, 1001])
def test_an_odd_number_of_credits_is_not_given(person: User, units: int) -> None:
    with pytest.raises(Problem, match="gift_units"):
        gifts.give(person.account, units)


def test_a_gift_not_taken_in_time_goes_back_once(person: User, stranger: User) -> None:
    gift = gifts.give(person.account, 3)
    assert gifts.return_unused(timezone.now()) == 0
    with time_machine.travel(gift.expires_at + td(seconds=1)):
        assert refusal(stranger, gift.token) == "gift_over"
        assert gifts.return_unused(timezone.now()) == 1
        assert gifts.return_unused(timezone.now()) == 0
        assert refusal(stranger, gift.token) == "gift_over"
    assert have(person, stranger) == [5, 5]
    assert findings() == []


def test_a_gift_that_was_taken_does_not_go_back(person: User, stranger: User) -> None:
    gift = gifts.give(person.account, 3)
    gifts.take(stranger.account, gift.token)
    assert gifts.return_unused(gift.expires_at + td(days=1)) == 0
