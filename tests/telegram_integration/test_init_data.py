"""Telegram's proof, with strings signed here by a test token and a test key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from datetime import timedelta as td
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from telegram_integration import init_data
from telegram_integration.init_data import Invalid

TOKEN = "1234567:test-token"
BOT_ID = 1234567
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
ANN = {"id": 42, "first_name": "Анна / + ?", "username": "ann", "language_code": "ru"}


def lines(pairs: dict[str, str]) -> str:
    return "\n".join(f"{name}={value}" for name, value in sorted(pairs.items()))


def signed(signed_at: datetime = NOW, *, token: str = TOKEN, **fields: str) -> str:
    """As Telegram does it: Ed25519 over everything, then HMAC over that and the signature."""
    pairs = {"auth_date": str(int(signed_at.timestamp())), "query_id": "AAE", **fields}
    pairs.setdefault("user", json.dumps(ANN))
    message = f"{BOT_ID}:WebAppData\n{lines(pairs)}".encode()
    pairs["signature"] = base64.urlsafe_b64encode(KEY.sign(message)).decode().rstrip("=")
    secret = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    pairs["hash"] = hmac.new(secret, lines(pairs).encode(), hashlib.sha256).hexdigest()
    return urlencode(pairs)


def reason(raw: str, now: datetime = NOW) -> str:
    with pytest.raises(Invalid) as caught:
        init_data.verify(raw, TOKEN, now)
    return caught.value.reason


def test_a_good_string_names_the_person() -> None:
    person = init_data.verify(signed(start_param="ref_abc"), TOKEN, NOW)
    assert (person.id, person.first_name, person.language_code) == (42, "Анна / + ?", "ru")
    assert person.start_param == "ref_abc"


def test_telegrams_own_signature_serves_where_no_token_is_held() -> None:
    person = init_data.verify_signature(signed(), BOT_ID, PUBLIC, NOW)
    assert person.id == 42


@pytest.mark.parametrize("bot_id", [BOT_ID + 1, 0])
def test_a_signature_for_another_bot_proves_nothing(bot_id: int) -> None:
    with pytest.raises(Invalid, match="forged"):
        init_data.verify_signature(signed(), bot_id, PUBLIC, NOW)


@pytest.mark.parametrize("signature", ["", "!!!", "AAAA", "A" * 86, "é"])
def test_a_broken_signature_is_forged(signature: str) -> None:
    raw = urlencode({"auth_date": "1", "user": json.dumps(ANN), "signature": signature})
    with pytest.raises(Invalid, match="forged"):
        init_data.verify_signature(raw, BOT_ID, PUBLIC, NOW)


def test_another_bots_token_is_forged() -> None:
    assert reason(signed(token="7654321:other")) == "forged"


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace("42", "43"),
        lambda raw: raw + "abc",
        lambda raw: raw + "&is_admin=true",
        lambda raw: raw.replace("query_id=AAE&", ""),
        lambda raw: raw.replace("hash=", "hash=0"),
        lambda raw: raw.split("&hash=")[0],
        lambda raw: raw.split("&hash=")[0] + "&hash=",
        lambda raw: raw.split("&hash=")[0] + "&hash=%D1%8F",
    ],
)
def test_whatever_is_changed_is_forged(change: object) -> None:
    assert reason(change(signed())) == "forged"  # type: ignore[operator]


@pytest.mark.parametrize(
    "raw", ["", "nothing", "a=1;b=2;", "&&", "=", "user=%FF", "x" * 9000, "auth_date=1&auth_date=1"]
)
def test_what_is_no_init_data_is_malformed_or_forged(raw: str) -> None:
    assert reason(raw) in ("malformed", "forged")


@pytest.mark.parametrize(
    "user", ["", "[]", "null", "{}", '{"id": "42"}', '{"id": true}', '{"id": 4.2}', "[" * 6000]
)
def test_a_well_signed_string_without_a_person_is_malformed(user: str) -> None:
    assert reason(signed(user=user)) == "malformed"


@pytest.mark.parametrize("auth_date", ["", "soon", "-", "9" * 30, "1e9"])
def test_a_well_signed_string_without_a_date_is_malformed(auth_date: str) -> None:
    assert reason(signed(auth_date=auth_date)) == "malformed"


@pytest.mark.parametrize(
    ("age", "good"),
    [
        (td(hours=23, minutes=59), True),
        (td(hours=24, seconds=1), False),
        (td(seconds=-59), True),
        (td(seconds=-61), False),
        (td(days=-365), False),
    ],
)
def test_age_is_at_most_a_day(age: td, good: bool) -> None:
    raw = signed(NOW - age)
    if good:
        assert init_data.verify(raw, TOKEN, NOW).id == 42
    else:
        assert reason(raw) == "stale"


def test_the_order_of_fields_does_not_make_another_string() -> None:
    raw = signed()
    turned = "&".join(reversed(raw.split("&")))
    assert init_data.digest(raw) == init_data.digest(turned)
