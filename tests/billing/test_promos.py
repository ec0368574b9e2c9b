"""Promo codes: credits once for each person, discounts held while a payment is open."""

from __future__ import annotations

from datetime import timedelta as td
from decimal import Decimal

import pytest
from django.utils import timezone

from billing import ledger, promos
from billing.audit import findings
from billing.models import Payment, Product, Promo, PromoUse
from billing.problem import Problem
from telegram_integration.models import User

pytestmark = pytest.mark.django_db


def credits_code(**fields: object) -> Promo:
    return Promo.objects.create(**{"code": "SPRING", "sort": "credits", "value": 20} | fields)


def percent_code(**fields: object) -> Promo:
    return Promo.objects.create(**{"code": "HALF", "sort": "percent", "value": 50} | fields)


def order(user: User) -> Payment:
    product = Product.objects.get(code="pack-100")
    return Payment.objects.create(
        account=user.account, gateway="sandbox", product=product, sort=product.sort, name="100",
        units=100, price=199, amount=199, currency="RUB", idempotence_key=f"{user.pk}",
    )  # fmt: skip


def refusal(user: User, code: str, act: object = promos.redeem) -> str:
    with pytest.raises(Problem) as caught:
        act(user.account, code)
    return caught.value.code


@pytest.mark.parametrize("code", ["SPRING", "spring", " Spring "])
def test_a_code_gives_its_credits_in_any_case(person: User, code: str) -> None:
    credits_code()
    promos.redeem(person.account, code)
    assert ledger.balance(person.pk).credit == 25
    assert findings() == []


def test_a_code_is_used_once_by_each(person: User, stranger: User) -> None:
    credits_code()
    promos.redeem(person.account, "SPRING")
    assert refusal(person, "SPRING") == "promo_used"
    promos.redeem(stranger.account, "SPRING")
    assert ledger.balance(person.pk).credit == ledger.balance(stranger.pk).credit == 25


@pytest.mark.parametrize("code", ["", "SPRIN_", "%", "S" * 500])
def test_an_unknown_code_is_refused(person: User, code: str) -> None:
    credits_code()
    assert refusal(person, code) == "promo_unknown"


@pytest.mark.parametrize(
    "fields",
    [
        {"active": False},
        {"starts_at": timezone.now() + td(days=1)},
        {"ends_at": timezone.now() - td(days=1)},
    ],
    ids=["switched off", "not yet", "no more"],
)
def test_a_code_out_of_its_time_is_refused(person: User, fields: dict[str, object]) -> None:
    credits_code(**fields)
    assert refusal(person, "SPRING") == "promo_over"
    assert ledger.balance(person.pk).credit == 5


def test_a_limit_of_people_is_kept(person: User, stranger: User) -> None:
    credits_code(limit=1)
    promos.redeem(person.account, "SPRING")
    assert refusal(stranger, "SPRING") == "promo_over"


def test_a_discount_is_not_redeemed_and_credits_are_no_discount(person: User) -> None:
    credits_code()
    percent_code()
    assert refusal(person, "HALF") == "promo_not_for_this"
    assert refusal(person, "SPRING", promos.reserve) == "promo_not_for_this"


def test_a_discount_is_held_by_its_payment_and_free_when_that_comes_to_nothing(
    person: User, stranger: User
) -> None:
    percent_code(limit=1)
    payment = order(person)
    promos.attach(promos.reserve(person.account, "HALF"), payment)
    assert refusal(stranger, "HALF", promos.reserve) == "promo_over"
    assert promos.release(payment)
    assert not promos.release(payment)
    promos.reserve(stranger.account, "HALF")
    assert PromoUse.objects.filter(released_at=None).count() == 1


@pytest.mark.parametrize(
    ("price", "percent", "left"),
    [("199", 50, "99.50"), ("199", 33, "133.33"), ("0.05", 90, "0.01")],
)
def test_a_discounted_price_is_in_whole_kopecks(price: str, percent: int, left: str) -> None:
    assert promos.discounted(Decimal(price), Promo(value=percent)) == Decimal(left)
