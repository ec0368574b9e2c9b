"""The API of money: what is sold, orders, history, plans, codes, gifts, invitations."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from billing import gifts, ledger, payments
from billing.gateways import sandbox
from billing.models import Account, Gift, Payment, Product, Promo, Referral
from telegram_integration.models import User
from tests.billing.buying import as_if_bought, at_the_bank, buy, order

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop(settings: Any) -> None:
    settings.DEBUG = True


@pytest.fixture
def their_api(stranger: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(stranger)
    return client


def ordered(api: APIClient, key: str | None = None, **wish: Any) -> Any:
    headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
    body = {"product": "pack-100", "gateway": "sandbox"} | wish
    return api.post("/api/v1/payments/", body, format="json", **headers)


def test_products_say_what_they_are_enough_for_and_who_sells_them(api: APIClient) -> None:
    Product.objects.filter(code="pack-100").update(stars=150)
    listed = {one["code"]: one for one in api.get("/api/v1/products/").json()}
    pack, plan = listed["pack-100"], listed["pro"]
    assert (pack["prices"], pack["title"]) == ({"RUB": "199.00", "XTR": 150}, "100 credits")
    assert pack["enough_for"] == {"tryons": 50, "pictures": 100}
    assert plan["enough_for"] == {"tryons": 150, "pictures": 150}
    assert pack["gateways"] == ["sandbox"]


def test_what_is_not_on_sale_is_neither_listed_nor_sold(api: APIClient) -> None:
    Product.objects.filter(code="pack-100").update(active=False)
    assert "pack-100" not in {one["code"] for one in api.get("/api/v1/products/").json()}
    answer = ordered(api)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "product_gone")


def test_an_order_has_a_page_where_it_is_paid(api: APIClient) -> None:
    answer = ordered(api)
    payment = Payment.objects.get()
    assert answer.status_code == 201
    assert (answer.json()["code"], answer.json()["status"]) == (str(payment.code), "pending")
    assert answer.json()["page"].endswith(f"/sandbox/{payment.gateway_id}/")
    assert answer.json()["amount"] == "199.00"


def test_the_same_key_is_the_same_order(api: APIClient) -> None:
    first, second = ordered(api, "tap").json(), ordered(api, "tap").json()
    assert first["code"] == second["code"]
    assert ordered(api, "another tap").json()["code"] != first["code"]
    assert Payment.objects.count() == 2


def test_a_key_of_one_person_is_not_anothers(api: APIClient, their_api: APIClient) -> None:
    assert ordered(api, "tap").json()["code"] != ordered(their_api, "tap").json()["code"]


@pytest.mark.parametrize("key", ["", "x" * 121, "ключ"], ids=["empty", "long", "not ascii"])
def test_a_key_that_cannot_be_one_is_refused(api: APIClient, key: str) -> None:
    body = {"product": "pack-100", "gateway": "sandbox"}
    answer = api.post("/api/v1/payments/", body, format="json", HTTP_IDEMPOTENCY_KEY=key)
    assert (answer.status_code, Payment.objects.count()) == (400, 0)


def test_an_unknown_gateway_is_named_as_what_is_wrong(api: APIClient) -> None:
    answer = ordered(api, gateway="bank")
    assert answer.status_code == 400
    assert "gateway" in answer.json()["error"]["fields"]


def test_checking_asks_the_gateway_and_credits(api: APIClient, person: User) -> None:
    payment = order(person)
    sandbox.pay(at_the_bank(payment))
    answer = api.post(f"/api/v1/payments/{payment.code}/check/")
    assert answer.json()["status"] == "succeeded"
    assert ledger.balance(person.pk).credit == 105


def test_checking_again_at_once_does_not_ask_the_gateway_again(
    api: APIClient, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Payment] = []
    monkeypatch.setattr(payments, "settle", asked.append)
    payment = order(person)
    for _tap in range(3):
        assert api.post(f"/api/v1/payments/{payment.code}/check/").json()["status"] == "pending"
    assert len(asked) == 1


def test_a_declined_payment_says_why_in_words(api: APIClient, person: User) -> None:
    payment = order(person)
    sandbox.decline(at_the_bank(payment))
    said = api.post(f"/api/v1/payments/{payment.code}/check/").json()
    assert (said["status"], said["reason"]) == ("canceled", "The bank declined the payment.")


def test_a_stranger_finds_no_payment_of_mine(their_api: APIClient, person: User) -> None:
    payment = buy(person)
    assert their_api.get("/api/v1/payments/").json()["results"] == []
    assert their_api.get(f"/api/v1/payments/{payment.code}/").status_code == 404
    assert their_api.post(f"/api/v1/payments/{payment.code}/check/").status_code == 404


@pytest.mark.parametrize(
    "path", ["products", "payments", "ledger", "subscription", "gifts", "referrals"]
)
def test_without_signing_in_there_is_nothing(path: str) -> None:
    assert APIClient().get(f"/api/v1/{path}/").status_code == 401


def test_a_refund_is_shown_with_its_payment(api: APIClient, person: User) -> None:
    payment = buy(person)
    payments.refund(payment, Decimal("50.00"), "asked for", None)
    said = api.get(f"/api/v1/payments/{payment.code}/").json()
    assert said["refunded"] == "50.00"
    assert [(one["amount"], one["units"]) for one in said["refunds"]] == [("50.00", 26)]


# --- history -------------------------------------------------------------------------------


def test_the_ledger_tells_each_move_in_words_with_what_was_left(
    api: APIClient, person: User
) -> None:
    buy(person)
    lines = api.get("/api/v1/ledger/").json()["results"]
    assert [(line["what"], line["delta"], line["after"]) for line in lines] == [
        ("Bought: 100 credits", 100, 105),
        ("Welcome", 5, 5),
    ]


def test_a_charge_that_drew_from_two_lots_is_one_line(api: APIClient, person: User) -> None:
    buy(person)
    ledger.draw_credits(person.pk, 10, key="x:1:charge", reason="edit")
    line = api.get("/api/v1/ledger/").json()["results"][0]
    assert (line["what"], line["delta"], line["after"]) == ("Edit of a photo", -10, 95)


def test_the_ledger_pages_by_cursor_and_repeats_nothing(api: APIClient, person: User) -> None:
    for number in range(4):
        ledger.draw_credits(person.pk, 1, key=f"x:{number}:charge", reason="edit")
    first = api.get("/api/v1/ledger/?limit=3").json()
    second = api.get(first["next"]).json()
    left = [line["after"] for line in first["results"] + second["results"]]
    assert left == [1, 2, 3, 4, 5]


# --- plans ---------------------------------------------------------------------------------


def test_a_plan_is_cancelled_and_resumed(api: APIClient, person: User) -> None:
    buy(person, "pro", save_method=True)
    assert api.get("/api/v1/subscription/").json()["renews"]
    cancelled = api.post("/api/v1/subscription/cancel/").json()
    assert (cancelled["renews"], cancelled["running"], cancelled["can_resume"]) == (
        False, True, True,
    )  # fmt: skip
    assert api.post("/api/v1/subscription/resume/").json()["renews"]


@pytest.mark.parametrize("act", ["", "cancel/", "resume/"], ids=["show", "cancel", "resume"])
def test_without_a_plan_there_is_nothing_to_change(api: APIClient, act: str) -> None:
    path = f"/api/v1/subscription/{act}"
    answer = api.post(path) if act else api.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "subscription_none")


def test_a_plan_bought_without_consent_cannot_be_resumed(api: APIClient, person: User) -> None:
    buy(person, "pro")
    assert api.post("/api/v1/subscription/resume/").status_code == 409


# --- codes ---------------------------------------------------------------------------------


def test_a_code_gives_credits_once(api: APIClient, person: User) -> None:
    Promo.objects.create(code="HELLO", sort="credits", value=20)
    assert api.post("/api/v1/promos/redeem/", {"code": "hello"}, format="json").json() == {
        "credits": 20
    }
    again = api.post("/api/v1/promos/redeem/", {"code": "HELLO"}, format="json")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "promo_used")
    assert ledger.balance(person.pk).credit == 25


def test_looking_at_a_discount_uses_nothing(api: APIClient) -> None:
    Promo.objects.create(code="AUTUMN", sort="percent", value=33, limit=1)
    Product.objects.filter(code="pack-100").update(stars=101)
    for _look in range(2):
        body = {"code": "autumn", "product": "pack-100"}
        said = api.post("/api/v1/promos/check/", body, format="json").json()
        assert said["prices"] == {"RUB": "133.33", "XTR": 68}
    assert ordered(api, promo="autumn").json()["amount"] == "133.33"


def test_a_discount_is_counted_in_the_order(api: APIClient) -> None:
    Promo.objects.create(code="HALF", sort="percent", value=50)
    said = ordered(api, promo="half").json()
    assert (said["price"], said["amount"]) == ("199.00", "99.50")


# --- gifts and invitations -----------------------------------------------------------------


def test_a_gift_goes_from_one_person_to_another(
    api: APIClient, their_api: APIClient, person: User, stranger: User
) -> None:
    as_if_bought(person)
    wish = {"units": 3, "words": "With love"}
    made = api.post("/api/v1/gifts/", wish, format="json", HTTP_IDEMPOTENCY_KEY="g")
    again = api.post("/api/v1/gifts/", wish, format="json", HTTP_IDEMPOTENCY_KEY="g")
    assert made.json()["code"] == again.json()["code"]
    token = made.json()["link"].rstrip("/").rpartition("/")[2]
    taken = their_api.post(f"/api/v1/gifts/{token}/take/").json()
    assert (taken["units"], taken["words"], taken["status"]) == (3, "With love", "taken")
    assert (ledger.balance(person.pk).credit, ledger.balance(stranger.pk).credit) == (2, 8)


def test_one_cannot_give_what_one_does_not_have(api: APIClient) -> None:
    answer = api.post("/api/v1/gifts/", {"units": 6}, format="json")
    assert (answer.status_code, Gift.objects.count()) == (402, 0)


def test_a_list_of_gifts_holds_only_ones_own(api: APIClient, person: User, stranger: User) -> None:
    as_if_bought(person, stranger)
    gifts.give(stranger.account, 1)
    mine = gifts.give(person.account, 2)
    listed = api.get("/api/v1/gifts/").json()["results"]
    assert [one["code"] for one in listed] == [str(mine.code)]


def test_an_unknown_gift_is_not_found(api: APIClient) -> None:
    assert api.post(f"/api/v1/gifts/{uuid.uuid4()}/take/").status_code == 404


def test_an_invitation_has_links_and_counts(
    api: APIClient, person: User, stranger: User, settings: Any
) -> None:
    settings.TELEGRAM_BOT_NAME = "studio_bot"
    mine = Account.objects.get(user=person)
    Referral.objects.create(inviter=mine, friend=stranger.account)
    said = api.get("/api/v1/referrals/").json()
    assert said["links"]["telegram"] == f"https://t.me/studio_bot?start=ref_{mine.invite_code}"
    assert said["links"]["web"].endswith(f"?ref={mine.invite_code}")
    assert (said["invited"], said["thanked"], said["thanks"]) == (1, 0, 10)
