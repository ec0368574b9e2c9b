"""The audit finds each thing that is planted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta as td
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone

from billing import audit, gifts, ledger, promos, referrals, tasks
from billing.audit import findings
from billing.models import (
    Audit,
    Entry,
    Gift,
    Kind,
    Lot,
    Payment,
    Price,
    Product,
    Promo,
    PromoUse,
    Referral,
    Refund,
)  # fmt: skip
from telegram_integration.models import User
from tests.billing.buying import as_if_bought

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(person: User) -> Lot:
    price = Price(tool="edit", credits=1, actions=1)
    ledger.charge(person.pk, price, key="test:1:charge", reason="edit")
    return Lot.objects.get(account__user=person)


@pytest.fixture
def payment(person: User) -> Payment:
    """100 credits, paid and settled, 40 of them and their money given back."""
    product = Product.objects.get(code="pack-100")
    row = Payment(
        account=person.account, gateway="sandbox", product=product, sort="pack", name="100",
        units=100, price=199, amount=199, currency="RUB", idempotence_key="test", refunded=80,
        status="succeeded", settled_at=timezone.now(),
    )  # fmt: skip
    row.lot = ledger.grant(
        person.account, Kind.CREDIT, 100, key=f"payment:{row.code}", source="pack-100"
    )
    row.save()
    refund = Refund.objects.create(
        payment=row, status="succeeded", amount=80, units=40, idempotence_key="test", reason="test"
    )
    ledger.take_back(row.lot, 40, key=f"refund:{refund.code}:take", reason="refund")
    return row


@pytest.fixture
def shared(person: User, stranger: User) -> Gift:
    """An invitation that was thanked for, a promo code that was used, a gift that was taken."""
    referrals.bind(stranger.pk, person.account.invite_code)
    referrals.first_picture(stranger.pk)
    Promo.objects.create(code="SPRING", sort="credits", value=20)
    promos.redeem(person.account, "SPRING")
    as_if_bought(person)
    return gifts.take(stranger.account, gifts.give(person.account, 3).token)


def test_good_books_balance(
    books: Lot, payment: Payment, shared: Gift, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("audit_ledger")
    assert "The books balance." in capsys.readouterr().out
    row = Audit.objects.get()
    assert (row.findings, row.looked_at) == ([], Lot.objects.count() + Entry.objects.count())


def test_what_is_found_is_written_down_and_loud(
    books: Lot, caplog: pytest.LogCaptureFixture
) -> None:
    Entry.objects.filter(lot=books, key__endswith=":grant").delete()
    with caplog.at_level(logging.ERROR, "billing.audit"):
        tasks.audit_books()
    assert f"lot {books.pk}: has no grant" in Audit.objects.get().findings
    assert "the books do not balance: 2 findings" in caplog.text


def test_what_is_right_at_a_second_look_is_no_finding(
    books: Lot, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([["a job is on its way", "a lot is lost"], ["a lot is lost"]])
    monkeypatch.setattr(audit, "_all_findings", lambda: next(looks))
    assert audit.look().findings == ["a lot is lost"]


def test_a_lot_that_does_not_add_up_is_found(
    books: Lot, capsys: pytest.CaptureFixture[str]
) -> None:
    Lot.objects.filter(pk=books.pk).update(remaining=F("remaining") - 1)
    with pytest.raises(CommandError, match="1 findings"):
        call_command("audit_ledger")
    assert f"lot {books.pk}: 3 left, but its entries add up to 4" in capsys.readouterr().err


def test_a_grant_unlike_its_lot_is_found(books: Lot) -> None:
    Lot.objects.filter(pk=books.pk).update(granted=6)
    assert findings() == [f"lot {books.pk}: was granted otherwise than its entry says"]


def test_a_refund_larger_than_its_charge_is_found(books: Lot) -> None:
    Entry.objects.create(lot=books, delta=1, key="test:1:refund", reason="x")
    Entry.objects.create(lot=books, delta=1, key="test:1:refund", part=1, reason="x")
    Entry.objects.create(lot=books, delta=-2, key="withdraw:1", reason="x")
    assert findings() == ["test:1:refund: +2, but its charge moved -1"]


def test_a_refund_without_a_charge_is_found(books: Lot) -> None:
    Entry.objects.create(lot=books, delta=1, key="test:2:refund", reason="x")
    Entry.objects.create(lot=books, delta=-1, key="withdraw:1", reason="x")
    assert findings() == ["test:2:refund: +1, but its charge moved +0"]


def test_a_key_used_for_two_people_is_found(books: Lot, stranger: User) -> None:
    other = Lot.objects.get(account__user=stranger)
    Entry.objects.create(lot=other, delta=-1, key="test:1:charge", part=1, reason="x")
    Lot.objects.filter(pk=other.pk).update(remaining=4)
    assert findings() == ["test:1:charge: used for 2 people, -1 to -1"]


def test_a_key_used_in_both_directions_is_found(books: Lot) -> None:
    Entry.objects.create(lot=books, delta=1, key="test:1:charge", part=1, reason="x")
    Lot.objects.filter(pk=books.pk).update(remaining=5)
    assert findings() == ["test:1:charge: used for 1 people, -1 to 1"]


def test_an_entry_without_a_lot_is_found(books: Lot) -> None:
    orphan = Entry.objects.create(lot_id=999_999, delta=1, key="x", reason="x")
    found = findings()
    number = orphan.pk
    orphan.delete()
    assert found == [f"entry {number}: its lot 999999 does not exist"]


@pytest.fixture
def unguarded(books: Lot) -> Iterator[None]:
    """The database without the constraint that refuses this."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        for name in ("billing_lot_remaining_check", "lot_remaining_between_zero_and_granted"):
            if connection.vendor == "postgresql":
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no table is altered before that
                cursor.execute(f"ALTER TABLE billing_lot DROP CONSTRAINT {name}")
        yield
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def test_less_than_nothing_is_found(books: Lot, unguarded: None) -> None:
    Lot.objects.filter(pk=books.pk).update(remaining=-1)
    Entry.objects.create(lot=books, delta=-5, key="withdraw:1", reason="x")
    assert findings() == [f"lot {books.pk}: -1 left of 5"]


Plant = Callable[[Payment], Any]


@pytest.mark.parametrize(
    ("plant", "wrong"),
    [
        (lambda paid: Payment.objects.update(units=99), "is not what was bought"),
        (lambda paid: Payment.objects.update(sort="plan", days=30), "is not what was bought"),
        (
            lambda paid: Payment.objects.update(lot=None, status="canceled"),
            "is of no payment that was made",
        ),
        (lambda paid: Refund.objects.update(units=41), "41 units, 40 taken and 0 put back"),
        (
            lambda paid: Payment.objects.update(refunded=79),
            "79.00 went back, its refunds say 80.00",
        ),
        (
            lambda paid: Refund.objects.update(status="canceled"),
            "40 units, 40 taken and 0 put back",
        ),
    ],
    ids=["units", "kind", "unpaid", "refunded units", "refunded money", "refused refund"],
)
def test_a_payment_unlike_its_lot_is_found(payment: Payment, plant: Plant, wrong: str) -> None:
    plant(payment)
    assert any(line.endswith(wrong) for line in findings()), findings()


def test_a_payment_with_somebody_elses_lot_is_found(payment: Payment, stranger: User) -> None:
    Payment.objects.update(lot=Lot.objects.get(account__user=stranger))
    assert f"payment {payment.code}: its lot" in " ".join(findings())


@pytest.mark.parametrize(
    ("plant", "wrong"),
    [
        (lambda: Referral.objects.update(lot=None), "was earned, and the inviter was not thanked"),
        (lambda: Referral.objects.update(lot=None, earned_at=None), "is of no invitation"),
        (
            lambda: Referral.objects.update(lot=Lot.objects.get(key__startswith="gift:")),
            "is not the inviter's thanks",
        ),
        (lambda: PromoUse.objects.update(lot=None), "gave nothing"),
        (lambda: PromoUse.objects.all().delete(), "is of no promo code"),
        (
            lambda: PromoUse.objects.update(lot=Lot.objects.get(key__startswith="gift:")),
            "is somebody else's",
        ),
        (lambda: Gift.objects.update(units=4), "but its moves say otherwise"),
        (lambda: Gift.objects.update(units=4), "but its lot says otherwise"),
        (
            lambda: Gift.objects.update(status="returned", taker=None),
            "but its moves say otherwise",
        ),
        (lambda: Gift.objects.update(status="open", taker=None), "but its lot says otherwise"),
    ],
    ids=[
        "not thanked", "not earned", "thanks of another", "promo gave nothing", "promo unused",
        "promo of another", "gift units", "gift lot", "gift returned", "gift open",
    ],
)  # fmt: skip
def test_sharing_unlike_its_lots_is_found(
    shared: Gift, plant: Callable[[], Any], wrong: str
) -> None:
    plant()
    assert any(line.endswith(wrong) for line in findings()), findings()


def test_a_gift_that_went_back_without_its_credits_is_found(person: User) -> None:
    as_if_bought(person)
    gift = gifts.give(person.account, 3)
    assert findings() == []
    gifts.return_unused(gift.expires_at + td(days=1))
    assert findings() == []
    Entry.objects.filter(key=gifts.refund_key(gift)).delete()
    assert any(line.startswith(f"gift {gift.code}") for line in findings())
