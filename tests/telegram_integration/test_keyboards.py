"""Buttons carry all that they need, in few bytes; what is not ours is read as nothing."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from telegram_integration import keyboards, saying


def test_a_button_with_two_photos_fits_and_is_read_again() -> None:
    codes = [uuid.uuid4(), uuid.uuid4()]
    made = keyboards.button("Clothes", "zone", "hands", *codes)
    assert len(str(made["callback_data"]).encode()) <= 64
    act, (zone, *rest) = keyboards.read(str(made["callback_data"]))
    assert (act, zone, [keyboards.long(one) for one in rest]) == ("zone", "hands", codes)


def test_what_does_not_fit_is_no_button() -> None:
    with pytest.raises(ValueError, match="1:act"):
        keyboards.button("x", "act", "y" * 60)


@pytest.mark.parametrize("data", ["", "2:again:x", "again", "1:", "x" * 64])
def test_what_no_version_of_ours_made_is_not_read(data: str) -> None:
    try:
        keyboards.read(data)
    except ValueError:
        return
    pytest.fail(data)


def test_pages_open_only_where_telegram_opens_them(settings: Any) -> None:
    settings.HTTPS, settings.SITE_URL = False, "http://127.0.0.1:8000"
    assert keyboards.page("Prices", "/pricing/", chat_id=5) == []
    settings.HTTPS, settings.SITE_URL = True, "https://studio.example"
    (inside,) = keyboards.page("Prices", "/pricing/", chat_id=5)
    (outside,) = keyboards.page("Prices", "/pricing/", chat_id=-5)
    assert inside["web_app"] == {"url": "https://studio.example/pricing/"}
    assert outside["url"] == "https://studio.example/pricing/"


@pytest.mark.parametrize(("text", "units"), [("a" * 5000, 4096), ("🦊" * 3000, 4095)])
def test_a_text_is_bounded_as_telegram_counts(text: str, units: int) -> None:
    bounded = saying.bounded(text, 4096)
    assert len(bounded.encode("utf-16-le")) // 2 == units
    assert bounded.endswith("…")
