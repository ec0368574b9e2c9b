"""Pages about money: shown to their owner, quietly, in a few queries."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from billing import gifts, notices, payments
from billing.gateways import sandbox
from billing.models import Notice, Payment, Product
from telegram_integration.models import User
from tests.billing.buying import as_if_bought, at_the_bank, buy, order

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
MOST_QUERIES = 5
PAGES = ["pricing", "checkout", "pay", "payments", "invite", "gift"]


@pytest.fixture(autouse=True)
def _shop(settings: Any) -> None:
    settings.DEBUG = True


@pytest.fixture(autouse=True)
def _bought(person: User) -> None:
    as_if_bought(person)


def address_of(name: str, user: User) -> str:
    args: dict[str, Callable[[], Any]] = {
        "checkout": lambda: "pro",
        "pay": lambda: buy(user).code,
        "gift": lambda: gifts.give(user.account, 1).token,
    }
    return reverse(name, args=[args[name]()] if name in args else [])


def html(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("name", PAGES)
def test_the_owner_sees_the_page(name: str, person: User, signed_in: SignIn) -> None:
    page = html(signed_in(person), address_of(name, person))
    assert page.count('id="main"') == 1
    assert "<h1" in page


@pytest.mark.parametrize("name", PAGES)
def test_an_unknown_visitor_is_sent_to_sign_in_and_back(name: str, person: User) -> None:
    address = address_of(name, person)
    answer = Client().get(address)
    assert (answer.status_code, answer.url) == (302, f"{reverse('sign_in')}?next={address}")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_the_database_little(name: str, person: User, signed_in: SignIn) -> None:
    client, address = signed_in(person), address_of(name, person)
    for number in range(3):
        buy(person, ["pack-100", "pro", "basic"][number])
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        html(client, address)
    assert len(queries) <= MOST_QUERIES, [one["sql"] for one in queries]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_inline_script_and_no_inline_style(
    name: str, person: User, signed_in: SignIn
) -> None:
    page = html(signed_in(person), address_of(name, person))
    assert " style=" not in page
    assert "<style" not in page
    assert all("src=" in tag.partition(">")[0] for tag in page.split("<script")[1:])


def test_a_strangers_payment_is_not_there(person: User, stranger: User, signed_in: SignIn) -> None:
    address = address_of("pay", person)
    assert signed_in(stranger).get(address).status_code == 404
    assert signed_in(person).get(reverse("pay", args=[uuid.uuid4()])).status_code == 404


def test_a_strangers_payments_and_moves_are_not_listed(
    person: User, stranger: User, signed_in: SignIn
) -> None:
    buy(person)
    page = html(signed_in(stranger), reverse("payments"))
    assert "100 credits" not in page
    assert "You have bought nothing yet." in page


def test_an_unknown_gift_is_not_there(person: User, signed_in: SignIn) -> None:
    assert signed_in(person).get(reverse("gift", args=["nothing"])).status_code == 404


def test_prices_are_told_in_pictures(person: User, signed_in: SignIn) -> None:
    page = html(signed_in(person), reverse("pricing"))
    assert "Enough for 150 try-ons" in page
    assert "499 ₽" in page


def test_what_was_begun_leads_to_the_smallest_product_that_is_enough(
    person: User, signed_in: SignIn
) -> None:
    asked = {"errand": str(uuid.uuid4()), "tool": "tryon", "missing": "120"}
    answer = signed_in(person).get(reverse("pricing"), asked)
    assert answer.context["enough"].code == "pro"
    page = answer.content.decode()
    assert "120 credits are missing" in page
    assert f"{reverse('checkout', args=['pro'])}?errand={asked['errand']}" in page


@pytest.mark.parametrize(
    "asked",
    [{"errand": "<script>"}, {"missing": "9" * 40}, {"missing": "-1", "tool": "<b>"}],
    ids=["errand", "huge", "negative"],
)
def test_a_made_up_address_is_just_the_prices(
    asked: dict[str, str], person: User, signed_in: SignIn
) -> None:
    answer = signed_in(person).get(reverse("pricing"), asked)
    assert (answer.status_code, answer.context["enough"]) == (200, None)


def test_what_is_not_on_sale_has_no_checkout(person: User, signed_in: SignIn) -> None:
    Product.objects.filter(code="pro").update(active=False)
    assert signed_in(person).get(reverse("checkout", args=["pro"])).status_code == 404


def test_a_contact_is_asked_for_only_where_a_receipt_is_made(
    person: User, signed_in: SignIn, settings: Any
) -> None:
    settings.YOOKASSA_SHOP_ID, settings.YOOKASSA_SECRET_KEY = "1", "secret"
    client, address = signed_in(person), reverse("checkout", args=["pro"])
    assert 'name="contact"' not in html(client, address)
    settings.YOOKASSA_RECEIPTS = True
    assert 'name="contact"' in html(client, address)


def test_consent_is_asked_for_plans_and_not_given_beforehand(
    person: User, signed_in: SignIn
) -> None:
    plan = html(signed_in(person), reverse("checkout", args=["pro"]))
    pack = html(signed_in(person), reverse("checkout", args=["pack-100"]))
    assert 'type="checkbox" name="save_method">' in plan
    assert "save_method" not in pack


def test_outside_debug_nothing_can_be_paid_without_keys(
    person: User, signed_in: SignIn, settings: Any
) -> None:
    settings.DEBUG = False
    assert "There is no way to pay here yet" in html(
        signed_in(person), reverse("checkout", args=["pro"])
    )


def test_the_return_page_waits_then_says_what_became_of_it(person: User, signed_in: SignIn) -> None:
    client, payment = signed_in(person), order(person)
    address = reverse("pay", args=[payment.code])
    assert "Waiting for the payment" in html(client, address)
    sandbox.decline(at_the_bank(payment))
    payments.settle(payment)
    page = html(client, address)
    assert "The bank declined the payment. Nothing was charged." in page
    assert reverse("checkout", args=["pack-100"]) in page


def test_money_that_differs_is_told_calmly(person: User, signed_in: SignIn) -> None:
    payment = order(person)
    Payment.objects.filter(pk=payment.pk).update(trouble="amount: 199 ordered, 99 seen")
    page = html(signed_in(person), reverse("pay", args=[payment.code]))
    assert "A person has to look at this payment" in page
    assert "99 seen" not in page


def test_the_words_of_a_gift_are_only_words(
    person: User, stranger: User, signed_in: SignIn
) -> None:
    gift = gifts.give(person.account, 1, words="<script>alert(1)</script>")
    page = html(signed_in(stranger), reverse("gift", args=[gift.token]))
    assert "<script>alert" not in page
    assert "Take it" in page


def test_the_qr_code_is_a_picture_of_ones_own(person: User, signed_in: SignIn) -> None:
    answer = signed_in(person).get(reverse("invite_qr"))
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer.content.startswith(b"<?xml")
    assert "private" in answer["Cache-Control"]


def test_earlier_moves_are_a_page_on(person: User, signed_in: SignIn) -> None:
    from billing import ledger

    for number in range(45):
        ledger.grant(person.account, "credit", 1, key=f"x:{number}", source="grant")
    first = signed_in(person).get(reverse("payments"))
    assert len(first.context["moves"]) == 40
    second = signed_in(person).get(reverse("payments"), {"before": first.context["earlier"]})
    assert len(second.context["moves"]) == 6
    assert second.context["earlier"] is None


def test_the_profile_shows_the_plan_and_how_to_stop_it(person: User, signed_in: SignIn) -> None:
    buy(person, "pro", save_method=True)
    page = html(signed_in(person), reverse("profile"))
    assert "Renews by itself on" in page
    assert reverse("subscription_cancel") in page


def test_home_shows_news_of_the_plan_until_they_are_closed(
    person: User, stranger: User, signed_in: SignIn
) -> None:
    data = {"product": "basic", "name": "<b>Basic", "at": "2026-12-05T10:00:00+00:00",
            "price": "299.00", "currency": "RUB", "reason": "insufficient_funds"}  # fmt: skip
    notices.note(person.account.pk, Notice.Sort.RENEWAL_FAILED, key="one", **data)
    client = signed_in(person)
    page = html(client, reverse("home"))
    assert "Your plan “&lt;b&gt;Basic” could not be renewed." in page
    assert "There is not enough money on the card. Nothing was charged." in page
    assert "It is tried again on 5 December." in page
    assert reverse("checkout", args=["basic"]) in page
    close = reverse("notice_close", args=[Notice.objects.get().code])
    assert signed_in(stranger).post(close).status_code == 404
    assert client.post(close).status_code == 204
    assert "could not be renewed" not in html(client, reverse("home"))


@pytest.mark.parametrize(
    ("sort", "said"),
    [
        (Notice.Sort.PLAN_ENDS, "Your plan “Basic” ends on 5 December"),
        (Notice.Sort.PLAN_RENEWS, "Your plan “Basic” is renewed on 5 December for 299 ₽."),
        (Notice.Sort.RENEWAL_OVER, "has ended, for it could not be renewed. The card has expired."),
    ],
)
def test_the_api_says_the_news_in_words(api: APIClient, person: User, sort: str, said: str) -> None:
    data = {"product": "basic", "name": "Basic", "at": "2026-12-05T10:00:00+00:00",
            "price": "299.00", "currency": "RUB", "reason": "card_expired"}  # fmt: skip
    notices.note(person.account.pk, sort, key="one", **data)
    notices.note(person.account.pk, sort, key="one", **data)
    (one,) = api.get("/api/v1/notices/").json()
    assert said in one["text"]
