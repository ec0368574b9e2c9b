"""Grants to many at once: each once, whatever comes between."""

from __future__ import annotations

import pytest
from django.utils import timezone

from billing import granting, ledger
from billing.audit import findings
from billing.granting import Grant, grant_many
from billing.models import Account, Entry, Kind, Lot
from telegram_integration.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(db: None) -> list[Account]:
    users = User.objects.bulk_create(User(username=f"one of many {n}") for n in range(60))
    return Account.objects.bulk_create(Account(user=user) for user in users)


def gifts(crowd: list[Account], units: int = 7, **fields: object) -> list[Grant]:
    return [
        Grant(one.pk, Kind.CREDIT, units, f"action:{one.pk}", "action", **fields) for one in crowd
    ]


def test_each_of_many_gets_a_lot_and_an_entry(crowd: list[Account]) -> None:
    assert grant_many(gifts(crowd)) == 60
    assert {ledger.balance(one.user_id).credit for one in crowd} == {7}
    assert Entry.objects.filter(reason="action", delta=7).count() == 60
    assert findings() == []


def test_a_grant_to_many_made_twice_is_made_once(crowd: list[Account]) -> None:
    grant_many(gifts(crowd[:20]))
    assert grant_many(gifts(crowd)) == 40
    assert grant_many(gifts(crowd)) == 0
    assert Lot.objects.count() == Entry.objects.count() == 60
    assert findings() == []


def test_a_grant_made_by_itself_is_not_made_again_among_many(crowd: list[Account]) -> None:
    ledger.grant(crowd[0], Kind.CREDIT, 3, key=f"action:{crowd[0].pk}", source="grant")
    assert grant_many(gifts(crowd)) == 59
    assert ledger.balance(crowd[0].user_id).credit == 3


def test_the_same_key_twice_in_one_batch_counts_once(crowd: list[Account]) -> None:
    assert grant_many(gifts(crowd[:1]) + gifts(crowd[:1], units=9)) == 1
    assert Entry.objects.count() == 1


def test_what_expires_expires_for_each(crowd: list[Account]) -> None:
    end = timezone.now()
    grant_many(gifts(crowd[:2], expires_at=end))
    assert set(Lot.objects.values_list("expires_at", flat=True)) == {end}
    assert ledger.balance(crowd[0].user_id).credit == 0


def test_a_batch_broken_off_is_finished_by_the_next_run(
    crowd: list[Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(granting, "TOGETHER", 25)
    write, calls = granting._write, []

    def dies(*arguments: object) -> int:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return write(*arguments)

    monkeypatch.setattr(granting, "_write", dies)
    with pytest.raises(KeyboardInterrupt):
        grant_many(gifts(crowd))
    assert Lot.objects.count() == Entry.objects.count() == 25
    assert grant_many(gifts(crowd)) == 35
    assert findings() == []
