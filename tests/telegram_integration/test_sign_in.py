"""Opening the studio from Telegram, as a guest, and leaving it."""

from __future__ import annotations

import json
from datetime import timedelta as td
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing import ledger
from telegram_integration.models import UsedInitData, User
from tests.telegram_integration.test_init_data import ANN, BOT_ID, PUBLIC, TOKEN, signed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _bot(settings: Any) -> None:
    settings.TELEGRAM_BOT_TOKEN = TOKEN


def sign_in(client: Client, raw: str) -> Any:
    return client.post("/api/v1/session/", {"init_data": raw}, content_type="application/json")


def fresh(**fields: str) -> str:
    return signed(timezone.now(), **fields)


def test_the_first_sign_in_makes_the_person_with_welcome_credits(client: Client) -> None:
    answer = sign_in(client, fresh())
    assert answer.status_code == 200
    assert answer.json() == {
        "name": "Анна / + ?", "language": "ru", "guest": False,
        "balance": {"plan": 0, "credit": 5, "free": 10},
    }  # fmt: skip
    assert client.get("/api/v1/me/").status_code == 200
    assert answer.cookies["django_language"].value == "ru"


def test_signing_in_again_is_the_same_person_and_brings_no_credits(client: Client) -> None:
    sign_in(client, fresh(query_id="1"))
    ANN_RENAMED = json.dumps({**ANN, "first_name": "Anna"})
    sign_in(Client(), fresh(query_id="2", user=ANN_RENAMED))
    user = User.objects.get()
    assert user.first_name == "Anna"
    assert ledger.balance(user.pk).credit == 5


def test_one_string_signs_in_once(client: Client) -> None:
    raw = fresh()
    sign_in(client, raw)
    answer = sign_in(Client(), raw)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "init_data_used")


def test_a_page_that_reloads_sends_its_own_string_again_and_stays_signed_in(
    client: Client,
) -> None:
    raw = fresh()
    sign_in(client, raw)
    assert sign_in(client, raw).status_code == 200
    assert UsedInitData.objects.count() == 1


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (lambda: fresh() + "0", "init_data_forged"),
        (lambda: signed(timezone.now() - td(days=2)), "init_data_stale"),
        (lambda: fresh(user="{}"), "init_data_malformed"),
        (lambda: "nonsense", "init_data_malformed"),
    ],
)
def test_what_proves_nothing_signs_nobody_in(client: Client, raw: Any, code: str) -> None:
    answer = sign_in(client, raw())
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert not User.objects.exists()


def test_the_signature_serves_where_no_token_is_held(client: Client, settings: Any) -> None:
    settings.TELEGRAM_BOT_TOKEN, settings.TELEGRAM_BOT_ID = "", BOT_ID
    settings.TELEGRAM_PUBLIC_KEY = PUBLIC
    assert sign_in(client, fresh()).status_code == 200


def test_without_a_bot_telegram_sign_in_says_so(client: Client, settings: Any) -> None:
    settings.TELEGRAM_BOT_TOKEN = ""
    answer = sign_in(client, fresh())
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "init_data_no_bot")


def test_a_closed_account_stays_closed_and_the_string_unused(client: Client) -> None:
    User.objects.create(username="tg42", telegram_id=42, is_active=False)
    answer = sign_in(client, fresh())
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "init_data_banned")


def test_over_https_cookies_work_in_telegrams_frame(client: Client, settings: Any) -> None:
    settings.HTTPS = True
    settings.SESSION_COOKIE_SAMESITE, settings.SESSION_COOKIE_SECURE = "None", True
    cookie = str(sign_in(client, fresh()).cookies["sessionid"])
    assert {"SameSite=None", "Secure", "Partitioned", "HttpOnly"} <= set(cookie.split("; "))


def test_signing_out_ends_the_session(client: Client) -> None:
    sign_in(client, fresh())
    assert client.delete("/api/v1/session/").status_code == 204
    assert client.get("/api/v1/me/").status_code == 401


def test_the_language_is_the_persons_own_choice(client: Client) -> None:
    sign_in(client, fresh(query_id="1"))
    answer = client.patch("/api/v1/me/", {"language": "en"}, content_type="application/json")
    assert (answer.json()["language"], answer.cookies["django_language"].value) == ("en", "en")
    assert sign_in(Client(), fresh(query_id="2")).json()["language"] == "en"


def test_a_write_by_cookie_needs_the_csrf_token(client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    user = User.objects.create(username="ann")
    strict.force_login(user)
    answer = strict.patch("/api/v1/me/", {"language": "ru"}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
