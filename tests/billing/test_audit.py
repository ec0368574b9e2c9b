"""The audit finds each thing that is planted."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from billing import ledger
from billing.models import Entry, Lot, Price
from telegram_integration.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(person: User) -> Lot:
    price = Price(tool="edit", credits=1, actions=1)
    ledger.charge(person.pk, price, key="job:1:charge", reason="edit")
    return Lot.objects.get(account__user=person)


def test_good_books_balance(books: Lot, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("audit_ledger")
    assert "The books balance." in capsys.readouterr().out


def test_a_lot_that_does_not_add_up_is_found(
    books: Lot, capsys: pytest.CaptureFixture[str]
) -> None:
    Lot.objects.filter(pk=books.pk).update(remaining=F("remaining") - 1)
    with pytest.raises(CommandError, match="1 findings"):
        call_command("audit_ledger")
    assert f"lot {books.pk}: 3 left, but its entries add up to 4" in capsys.readouterr().err


def test_a_lot_without_a_grant_is_found(books: Lot) -> None:
    Entry.objects.filter(lot=books, key__endswith=":grant").delete()
    with pytest.raises(CommandError):
        call_command("audit_ledger")


def test_a_refund_larger_than_its_charge_is_found(books: Lot) -> None:
    Entry.objects.create(lot=books, delta=-1, key="job:2:charge", reason="x")
    Entry.objects.create(lot=books, delta=1, key="job:1:refund", reason="x")
    Entry.objects.create(lot=books, delta=1, key="job:1:refund", part=1, reason="x")
    Entry.objects.create(lot=books, delta=-1, key="job:3:charge", reason="x")
    with pytest.raises(CommandError, match="1 findings"):
        call_command("audit_ledger")
