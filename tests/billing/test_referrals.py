"""Invitations as stories: who is thanked, when, and who is not."""

from __future__ import annotations

from datetime import timedelta as td
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from billing import ledger, referrals
from billing.audit import findings
from billing.models import Account, Price, Referral
from billing.problem import Problem
from generation import worker
from generation.studio import imagine
from telegram_integration.models import User
from tests.conftest import Obedient, make_person
from tests.telegram_integration.test_init_data import TOKEN, signed

pytestmark = pytest.mark.django_db

EDIT = Price(tool="edit", credits=1, actions=1)


def credits_of(user: User) -> int:
    return ledger.balance(user.pk).credit


def bind(friend: User, inviter: User) -> bool:
    return referrals.bind(friend.pk, inviter.account.invite_code)


def age(user: User, days: float) -> None:
    Account.objects.filter(user=user).update(created_at=timezone.now() - td(days=days))


def test_the_inviter_is_thanked_once_after_the_friends_first_picture(
    person: User, stranger: User
) -> None:
    assert bind(stranger, person)
    assert credits_of(person) == 5
    referrals.first_picture(stranger.pk)
    assert credits_of(person) == 15
    referrals.first_picture(stranger.pk)
    assert (credits_of(person), credits_of(stranger)) == (15, 5)
    assert findings() == []


def test_a_finished_picture_thanks_the_inviter(
    person: User, stranger: User, provider: Obedient
) -> None:
    bind(stranger, person)
    imagine(stranger.pk, prompt="a boat", aspect="1:1", count=1)
    worker.work()
    assert credits_of(person) == 15


def test_a_picture_of_somebody_uninvited_thanks_nobody(person: User) -> None:
    referrals.first_picture(person.pk)
    assert not Referral.objects.exists()


def test_a_friend_is_bound_once(person: User, stranger: User) -> None:
    assert bind(stranger, person)
    assert not bind(stranger, make_person("cat"))
    assert Referral.objects.get().inviter == person.account


@pytest.mark.parametrize("code", ["", "nobody23", "ref_", "x" * 500, "%"])
def test_an_unknown_code_binds_nobody(person: User, code: str) -> None:
    assert not referrals.bind(person.pk, code)


def test_nobody_invites_themselves(person: User) -> None:
    assert not bind(person, person)


def test_two_do_not_invite_each_other(person: User, stranger: User) -> None:
    assert bind(stranger, person)
    assert not bind(person, stranger)


def test_an_account_older_than_a_day_is_nobodys_friend(person: User, stranger: User) -> None:
    age(stranger, days=1.01)
    assert not bind(stranger, person)


def test_who_has_spent_something_is_nobodys_friend(person: User, stranger: User) -> None:
    ledger.charge(stranger.pk, EDIT, key="job:1:charge", reason="edit")
    assert not bind(stranger, person)


def test_a_ring_of_fresh_accounts_waits_for_staff(person: User, stranger: User) -> None:
    bind(stranger, person)
    third = make_person("cat")
    assert bind(third, stranger)
    referrals.first_picture(third.pk)
    assert credits_of(stranger) == 5
    assert Referral.objects.get(friend=third.account).suspicion == "fresh_ring"


def test_more_than_ten_friends_in_a_day_wait_for_staff(person: User) -> None:
    friends = [make_person(f"friend {n}") for n in range(11)]
    assert all(bind(friend, person) for friend in friends)
    suspicions = list(Referral.objects.order_by("pk").values_list("suspicion", flat=True))
    assert suspicions == [""] * 10 + ["many_at_once"]


def test_ten_friends_in_a_day_and_one_the_day_after_are_fine(person: User) -> None:
    for number in range(10):
        bind(make_person(f"friend {number}"), person)
    with time_machine.travel(timezone.now() + td(days=1, minutes=1)):
        bind(make_person("late"), person)
    assert not Referral.objects.exclude(suspicion="").exists()


@pytest.mark.parametrize("order", ["picture first", "approval first"])
def test_what_staff_approve_is_thanked_once(person: User, stranger: User, order: str) -> None:
    bind(stranger, person)
    referral = Referral.objects.get()
    Referral.objects.update(suspicion="many_at_once")
    steps = [
        lambda: referrals.first_picture(stranger.pk),
        lambda: referrals.approve(referral, person),
    ]
    for step in steps if order == "picture first" else reversed(steps):
        assert credits_of(person) == 5
        step()
    assert credits_of(person) == 15
    with pytest.raises(Problem, match="referral_settled"):
        referrals.approve(referral, person)
    assert findings() == []


def test_the_link_from_telegram_binds_at_the_first_sign_in_only(
    client: Client, person: User, settings: Any
) -> None:
    settings.TELEGRAM_BOT_TOKEN = TOKEN
    for query in ("1", "2"):
        start = f"ref_{person.account.invite_code}"
        raw = signed(timezone.now(), query_id=query, start_param=start)
        answer = Client().post("/api/v1/session/", {"init_data": raw}, "application/json")
        assert answer.status_code == 200
    assert Referral.objects.get().friend.user.telegram_id == 42


def test_somebody_known_is_not_bound_by_a_link(client: Client, person: User, settings: Any) -> None:
    settings.TELEGRAM_BOT_TOKEN = TOKEN
    ledger.open_account(User.objects.create(username="tg42", telegram_id=42).pk)
    raw = signed(timezone.now(), start_param=f"ref_{person.account.invite_code}")
    client.post("/api/v1/session/", {"init_data": raw}, "application/json")
    assert not Referral.objects.exists()


def test_the_link_to_the_web_page_binds_a_guest(
    client: Client, person: User, settings: Any
) -> None:
    settings.DEBUG = True
    client.get(f"/sign-in/?ref={person.account.invite_code}")
    client.post("/demo/")
    assert Referral.objects.get().inviter == person.account
    assert "invite" not in client.session
