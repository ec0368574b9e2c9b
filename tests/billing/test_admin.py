"""What staff can do with money: give back, give, take, approve, sell."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing import ledger
from billing.gateways import sandbox
from billing.models import Audit, Payment, Product, Promo, Referral, Refund
from telegram_integration.models import User
from tests.billing.buying import at_the_bank, buy, order

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop(settings: Any) -> None:
    settings.DEBUG = True


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("staff"))
    return client


@pytest.fixture
def onlooker() -> Client:
    """Staff who may see everything of money and change nothing."""
    user = User.objects.create_user("eve", is_staff=True)
    seeing = Permission.objects.filter(
        content_type__app_label="billing", codename__startswith="view"
    )
    user.user_permissions.set(seeing)
    client = Client()
    client.force_login(user)
    return client


def refund_page(payment: Payment) -> str:
    return reverse("admin:billing_payment_refund", args=[payment.pk])


def wish(amount: str, reason: str = "x") -> dict[str, str]:
    """What the form sends, as it was before anything went back."""
    return {"amount": amount, "reason": reason, "seen": "0.00", "code": str(uuid.uuid4())}


def credits_page(user: User) -> str:
    return reverse("admin:billing_account_credits", args=[user.account.pk])


def test_staff_give_a_part_back_and_it_is_written_who_and_why(staff: Client, person: User) -> None:
    payment = buy(person)
    asked = wish("50.00", "did not like it")
    assert staff.post(refund_page(payment), asked).status_code == 302
    refund = Refund.objects.get()
    assert (refund.status, refund.amount, refund.author.username) == (
        "succeeded", Decimal("50.00"), "staff",
    )  # fmt: skip
    assert ledger.balance(person.pk).credit == 79
    assert "did not like it" in LogEntry.objects.get().change_message


def test_a_form_sent_twice_gives_back_once(staff: Client, person: User) -> None:
    payment = buy(person)
    asked = wish("50.00")
    for _time in range(2):
        assert staff.post(refund_page(payment), asked).status_code == 302
    assert Refund.objects.get().amount == Decimal("50.00")


def test_a_form_from_before_another_refund_gives_nothing_back(staff: Client, person: User) -> None:
    payment = buy(person)
    staff.post(refund_page(payment), wish("50.00"))
    stale = staff.post(refund_page(payment), wish("50.00"))
    assert (stale.status_code, Refund.objects.count()) == (200, 1)
    assert "changed meanwhile" in stale.content.decode()


@pytest.mark.parametrize("amount", ["0", "199.01", "-5", "much"])
def test_an_amount_that_cannot_be_given_back_is_refused(
    staff: Client, person: User, amount: str
) -> None:
    payment = buy(person)
    assert staff.post(refund_page(payment), wish(amount)).status_code == 200
    assert not Refund.objects.exists()


def test_what_was_not_paid_cannot_be_given_back(staff: Client, person: User) -> None:
    page = staff.post(refund_page(order(person)), wish("1"))
    assert "Only a payment that was made" in page.content.decode()


def test_staff_ask_the_gateway_about_a_payment(staff: Client, person: User) -> None:
    payment = order(person)
    sandbox.pay(at_the_bank(payment))
    chosen = {"action": "look", "_selected_action": [payment.pk]}
    staff.post(reverse("admin:billing_payment_changelist"), chosen)
    payment.refresh_from_db()
    assert (payment.status, ledger.balance(person.pk).credit) == ("succeeded", 105)


@pytest.mark.parametrize(("act", "left"), [("grant", 12), ("withdrawal", 2)], ids=["give", "take"])
def test_staff_give_and_take_credits_once(staff: Client, person: User, act: str, left: int) -> None:
    units = {"grant": 7, "withdrawal": 3}[act]
    asked = {"act": act, "units": units, "reason": "a mistake", "key": str(uuid.uuid4())}
    for _press in range(2):
        assert staff.post(credits_page(person), asked).status_code == 302
    assert ledger.balance(person.pk).credit == left
    assert "a mistake" in LogEntry.objects.first().change_message


def test_more_than_there_is_cannot_be_taken(staff: Client, person: User) -> None:
    asked = {"act": "withdrawal", "units": 6, "reason": "x", "key": str(uuid.uuid4())}
    assert staff.post(credits_page(person), asked).status_code == 200
    assert ledger.balance(person.pk).credit == 5


def test_each_form_has_a_key_of_its_own(staff: Client, person: User) -> None:
    keys = {staff.get(credits_page(person)).context["form"]["key"].value() for _ in range(2)}
    assert len(keys) == 2


def test_credits_are_not_given_without_a_reason(staff: Client, person: User) -> None:
    asked = {"act": "grant", "units": 7, "reason": "", "key": str(uuid.uuid4())}
    assert staff.post(credits_page(person), asked).status_code == 200
    assert ledger.balance(person.pk).credit == 5


def test_staff_approve_an_invitation_that_looked_odd(
    staff: Client, person: User, stranger: User
) -> None:
    odd = Referral.objects.create(
        inviter=person.account, friend=stranger.account, suspicion="fresh_ring",
        earned_at=timezone.now(),
    )  # fmt: skip
    chosen = {"action": "approve", "_selected_action": [odd.pk]}
    staff.post(reverse("admin:billing_referral_changelist"), chosen)
    assert ledger.balance(person.pk).credit == 15


def test_staff_make_a_code(staff: Client) -> None:
    now = timezone.now()
    asked = {
        "code": "HELLO", "sort": "credits", "value": 5, "limit": 10, "active": "on",
        "starts_at_0": now.date(), "starts_at_1": "00:00:00",
    }  # fmt: skip
    answer = staff.post(reverse("admin:billing_promo_add"), asked)
    assert (answer.status_code, Promo.objects.get().value) == (302, 5)


def test_a_code_that_would_be_free_is_refused_in_the_form(staff: Client) -> None:
    asked = {
        "code": "ALL", "sort": "percent", "value": 100, "limit": 0,
        "starts_at_0": "2026-01-01", "starts_at_1": "00:00:00",
    }  # fmt: skip
    assert staff.post(reverse("admin:billing_promo_add"), asked).status_code == 200
    assert not Promo.objects.exists()


def test_a_new_price_changes_nothing_that_was_sold(staff: Client, person: User) -> None:
    payment, product = buy(person), Product.objects.get(code="pack-100")
    asked = {"name": "100", "rubles": "249.00", "units": 90, "days": 0, "active": "on"}
    staff.post(reverse("admin:billing_product_change", args=[product.pk]), asked)
    product.refresh_from_db()
    payment.refresh_from_db()
    assert (product.rubles, product.units) == (Decimal("249.00"), 90)
    assert (payment.amount, payment.units) == (Decimal("199.00"), 100)


@pytest.mark.parametrize("page", [refund_page, None], ids=["refund", "credits"])
def test_who_may_only_look_moves_nothing(
    onlooker: Client, person: User, page: Callable[[Payment], str] | None
) -> None:
    payment = buy(person)
    address = page(payment) if page else credits_page(person)
    assert onlooker.get(address).status_code == 403
    assert onlooker.post(address, {}).status_code == 403
    shown = reverse("admin:billing_payment_change", args=[payment.pk])
    assert refund_page(payment) not in onlooker.get(shown).content.decode()


@pytest.mark.parametrize(
    ("findings", "said"),
    [([], "The books balance"), (["lot 1 is off by 2"], "1 finding")],
    ids=["balance", "do not"],
)
def test_the_first_page_says_whether_the_books_balance_and_when(
    staff: Client, findings: list[str], said: str
) -> None:
    Audit.objects.create(sort=Audit.Sort.LEDGER, findings=findings)
    page = staff.get(reverse("admin:index")).content.decode()
    assert said in page
    assert f"{timezone.now():%Y-%m-%d}" in page
