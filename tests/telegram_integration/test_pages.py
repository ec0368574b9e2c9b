"""Sign in, the demo's door, the profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.utils.functional import SimpleLazyObject

from aibot.api import server_error
from billing.ledger import Balance
from billing.models import Price
from generation.templatetags.pictures import balance_short, balance_words, pays_for
from telegram_integration.models import ApiKey, User

SignIn = Callable[[User], Client]
SIGN_IN, DEMO, PROFILE = "/sign-in/", "/demo/", "/profile/"


@pytest.fixture
def debug(settings: Any) -> None:
    settings.DEBUG = True


def html(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.django_db
def test_sign_in_offers_a_guest_visit_only_in_debug(client: Client, settings: Any) -> None:
    settings.DEBUG = True
    assert f'action="{DEMO}"' in html(client, SIGN_IN)
    settings.DEBUG = False
    assert DEMO not in html(client, SIGN_IN)


@pytest.mark.django_db
def test_sign_in_leads_to_the_bot_where_there_is_one(client: Client, settings: Any) -> None:
    settings.TELEGRAM_BOT_NAME = "studio_bot"
    assert 'href="https://t.me/studio_bot"' in html(client, SIGN_IN)


@pytest.mark.django_db
def test_sign_in_says_so_where_there_is_no_way_in(client: Client, settings: Any) -> None:
    settings.DEBUG, settings.TELEGRAM_BOT_NAME = False, ""
    assert "not connected yet" in html(client, SIGN_IN)


@pytest.mark.django_db
def test_sign_in_goes_on_to_our_own_pages_only(client: Client) -> None:
    assert 'data-next="/gallery/"' in html(client, f"{SIGN_IN}?next=/gallery/")
    assert 'data-next="/"' in html(client, f"{SIGN_IN}?next=https://evil.example/")


@pytest.mark.django_db
def test_telegrams_script_is_not_in_the_page(client: Client) -> None:
    assert "telegram.org" not in html(client, SIGN_IN)


def test_whoever_is_signed_in_goes_straight_on(person: User, signed_in: SignIn) -> None:
    answer = signed_in(person).get(f"{SIGN_IN}?next=/profile/")
    assert (answer.status_code, answer.url) == (302, PROFILE)


@pytest.mark.django_db
def test_sign_in_asks_the_database_nothing(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(0):
        client.get(SIGN_IN)


@pytest.mark.django_db
@pytest.mark.usefixtures("debug")
def test_a_guest_comes_in_and_stays_in(client: Client) -> None:
    answer = client.post(DEMO, {"next": "/gallery/"})
    assert (answer.status_code, answer.url) == (302, "/gallery/")
    assert User.objects.get().guest
    assert "5 credits" in html(client, "/")


@pytest.mark.django_db
@pytest.mark.usefixtures("debug")
def test_the_demo_wants_a_csrf_token() -> None:
    assert Client(enforce_csrf_checks=True).post(DEMO).status_code == 403
    assert not User.objects.exists()


@pytest.mark.django_db
def test_outside_debug_there_is_no_demo(client: Client, settings: Any) -> None:
    settings.DEBUG = False
    assert client.post(DEMO).status_code == 404
    assert not User.objects.exists()


def test_the_profile_is_for_who_is_signed_in() -> None:
    answer = Client().get(PROFILE)
    assert (answer.status_code, answer.url) == (302, f"{SIGN_IN}?next={PROFILE}")


def test_the_profile_says_what_the_balance_is_enough_for(person: User, signed_in: SignIn) -> None:
    page = html(signed_in(person), PROFILE)
    assert "5 credits, 10 free actions" in page
    assert "Enough for 12 try-ons" in page


def test_the_profile_needs_few_queries(
    person: User, signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    ApiKey.make(person, "laptop")
    client = signed_in(person)
    with django_assert_max_num_queries(6):  # one asks for their plan
        client.get(PROFILE)


def test_keys_are_listed_by_name_and_start_until_revoked(person: User, signed_in: SignIn) -> None:
    row, text = ApiKey.make(person, "laptop")
    client = signed_in(person)
    page = html(client, PROFILE)
    assert "laptop" in page
    assert row.start in page
    assert text not in page
    row.revoke()
    assert "laptop" not in html(client, PROFILE)


def test_a_strangers_keys_are_not_shown(person: User, stranger: User, signed_in: SignIn) -> None:
    ApiKey.make(stranger, "not yours")
    assert "not yours" not in html(signed_in(person), PROFILE)


def test_only_staff_see_the_way_to_the_admin(person: User, signed_in: SignIn) -> None:
    client = signed_in(person)
    assert 'href="/admin/"' not in html(client, PROFILE)
    User.objects.filter(pk=person.pk).update(is_staff=True)
    assert 'href="/admin/"' in html(client, PROFILE)


def test_the_chosen_language_is_marked(person: User, signed_in: SignIn) -> None:
    User.objects.filter(pk=person.pk).update(language="ru")
    page = html(signed_in(person), PROFILE)
    assert 'value="ru" checked' in page
    assert 'value="en" checked' not in page


@pytest.mark.parametrize(
    ("balance", "words", "short"),
    [
        (Balance(), "0 credits", "0 credits"),
        (Balance(credit=1, free=1), "1 credit, 1 free action", "1 credit"),
        (Balance(plan=50, credit=5), "50 actions, 5 credits", "50 actions"),
        (Balance(free=10), "10 free actions", "10 free actions"),
    ],
)
def test_a_balance_in_words(balance: Balance, words: str, short: str) -> None:
    assert balance_words(balance) == words
    assert balance_short(balance) == short


def test_what_is_left_over_of_one_kind_does_not_help_another() -> None:
    price = Price(tool="tryon", credits=2, actions=1)
    assert pays_for(Balance(plan=1, credit=5, free=10), price) == 1 + 2 + 10
    assert pays_for(Balance(credit=1), price) == 0


@pytest.mark.parametrize("debug_off_path", ["/nothing/", "/pictures/not-a-code/"])
def test_an_unknown_page_answers_kindly_without_the_database(
    debug_off_path: str, client: Client, settings: Any
) -> None:
    settings.DEBUG = False
    answer = client.get(debug_off_path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_a_broken_page_says_nothing_of_what_broke(
    monkeypatch: pytest.MonkeyPatch, person: User, signed_in: SignIn
) -> None:
    monkeypatch.setattr("generation.views.ledger.balance", lambda _user: 1 / 0)
    client = signed_in(person)
    client.raise_request_exception = False
    answer = client.get("/")
    assert answer.status_code == 500
    assert "Nothing was charged" in answer.content.decode()
    assert "ZeroDivisionError" not in answer.content.decode()


def test_the_page_of_an_error_never_asks_who_is_there(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = SimpleLazyObject(lambda: 1 / 0)  # what a lost database looks like
    assert server_error(request).status_code == 500
