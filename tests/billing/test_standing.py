"""A renewal that Telegram charges by itself ends there when it is ended here, and not before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta as td
from typing import Any

import pytest
from django.utils import timezone

from billing import audit, payments, standing, subscriptions, tasks
from billing.models import Payment, Product, StandingOrder, Subscription
from telegram_integration.models import User
from tests.vendors.botapi_stars import TOKEN, StarsStub, said
from tests.vendors.stub import Answer

pytestmark = pytest.mark.django_db

WHO = 777000
EDIT = f"/bot{TOKEN}/editUserStarSubscription"


@pytest.fixture
def stars(settings: Any) -> Iterator[StarsStub]:
    Product.objects.filter(code__in=("basic", "pro")).update(stars=200)
    with StarsStub() as stub:
        settings.BOT_API_URL, settings.TELEGRAM_BOT_TOKEN = stub.url, TOKEN
        yield stub
    assert stub.mistakes == []
    assert audit.findings() == []


@pytest.fixture
def payer(person: User, stars: StarsStub) -> User:
    """Somebody whose Basic plan Telegram renews."""
    person.telegram_id = WHO
    person.save(update_fields=["telegram_id"])
    subscribe(person, "basic", "stx1")
    return person


def subscribe(user: User, product: str, charge: str) -> Payment:
    payment = payments.open(user.pk, product, gateway="stars", save_method=True)
    paid = {"charge_id": charge, "amount": 200, "currency": "XTR", "telegram_id": WHO}
    return payments.stars_paid(str(payment.code), **paid)


def test_what_is_wanted_needs_no_word(payer: User, stars: StarsStub) -> None:
    assert standing.tell_due() == 0
    assert stars.requests_to(EDIT) == []


def test_telegram_is_told_to_stop_and_to_go_on(payer: User, stars: StarsStub) -> None:
    subscriptions.cancel(payer.account)
    assert stars.stopped == {}  # nobody waits for Telegram
    tasks.tell_gateways()
    assert stars.requests_to(EDIT)[0].json == {
        "user_id": WHO, "telegram_payment_charge_id": "stx1", "is_canceled": True,
    }  # fmt: skip
    subscriptions.resume(payer.account)
    tasks.tell_gateways()
    tasks.tell_gateways()
    assert (stars.stopped, len(stars.requests_to(EDIT))) == ({"stx1": False}, 2)


def test_a_bigger_plan_stops_the_smaller_ones_renewal(payer: User, stars: StarsStub) -> None:
    subscribe(payer, "pro", "stx2")
    tasks.tell_gateways()
    assert stars.stopped == {"stx1": True}
    assert Subscription.objects.get().method == "stx2"


def test_a_plan_that_was_given_back_is_renewed_no_more(payer: User, stars: StarsStub) -> None:
    stars._add("stx1", 200, source={"type": "user", "user": {"id": WHO}})
    payments.refund(Payment.objects.get(), None, "asked for it")
    tasks.tell_gateways()
    assert stars.stopped == {"stx1": True}


def test_while_telegram_is_silent_it_is_told_later(payer: User, stars: StarsStub) -> None:
    stars.script(EDIT, Answer(500, {"ok": False}))
    subscriptions.cancel(payer.account)
    tasks.tell_gateways()
    assert stars.stopped == {}
    standing.tell_due(timezone.now() + td(minutes=1))
    assert stars.stopped == {"stx1": True}


def test_what_telegram_refuses_is_for_staff(payer: User, stars: StarsStub) -> None:
    stars.script(EDIT, said(400, "Bad Request: SUBSCRIPTION_EXPIRED"))
    subscriptions.cancel(payer.account)
    tasks.tell_gateways()
    assert StandingOrder.objects.get().trouble == "SUBSCRIPTION_EXPIRED"
    assert standing.tell_due(timezone.now() + td(days=1)) == 0


def test_a_change_of_mind_while_telegram_is_told_is_told_too(
    payer: User, stars: StarsStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriptions.cancel(payer.account)
    tell = standing._told

    def meanwhile(order: StandingOrder, trouble: str) -> None:
        subscriptions.resume(payer.account)
        tell(order, trouble)

    with monkeypatch.context() as once:
        once.setattr(standing, "_told", meanwhile)
        standing.tell_due()
    standing.tell_due()
    assert stars.stopped == {"stx1": False}


def test_a_plan_paid_by_card_has_no_standing_order(person: User) -> None:
    account = person.account
    product = Product.objects.get(code="basic")
    payment = Payment(
        account=account, product=product, gateway="yookassa", method="card-1", save_method=True,
        days=30, purpose="purchase",
    )  # fmt: skip
    subscriptions.extend(account, payment, now=timezone.now())
    subscriptions.cancel(account)
    assert not StandingOrder.objects.exists()
