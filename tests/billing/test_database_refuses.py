"""Going round Python: the database itself refuses what must not be."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.db.models import F, ProtectedError

from billing.models import Entry, Lot, Product
from telegram_integration.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def lot(person: User) -> Lot:
    return Lot.objects.get(account__user=person)


@pytest.mark.parametrize(
    "changes",
    [
        {"remaining": F("granted") + 1},
        {"remaining": F("granted") - 6},
        {"granted": 0, "remaining": 0},
        {"kind": "gold"},
    ],
)
def test_a_lot_out_of_bounds_is_refused(lot: Lot, changes: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        Lot.objects.filter(pk=lot.pk).update(**changes)


def test_a_second_entry_under_one_key_is_refused(lot: Lot) -> None:
    Entry.objects.create(lot=lot, delta=-1, key="job:1:charge", reason="test")
    with pytest.raises(IntegrityError):
        Entry.objects.create(lot=lot, delta=-1, key="job:1:charge", reason="test")


def test_an_entry_that_moves_nothing_is_refused(lot: Lot) -> None:
    with pytest.raises(IntegrityError):
        Entry.objects.create(lot=lot, delta=0, key="job:1:charge", reason="test")


def test_a_second_lot_under_one_key_is_refused(lot: Lot) -> None:
    with pytest.raises(IntegrityError):
        Lot.objects.create(
            account=lot.account, kind="credit", granted=5, remaining=5, source="x", key=lot.key
        )


def test_a_person_with_an_account_cannot_be_deleted(lot: Lot, person: User) -> None:
    with pytest.raises(ProtectedError):
        person.delete()


def test_a_product_for_nothing_is_refused() -> None:
    with pytest.raises(IntegrityError):
        Product.objects.create(code="x", sort="pack", name="x", rubles=Decimal(0), units=1)
