"""What the tests of the fake Bot API have in common: people, and a way to ask it anything."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.pictures import picture_file
from tests.vendors.botapi import TOKEN, BotApi, Seen

ANN, BOB, STRANGER, GROUP = 11, 12, 13, -1001
INVOICE = {
    "title": "100 credits", "description": "For a hundred pictures", "payload": "order:1",
    "currency": "XTR", "prices": [{"label": "Credits", "amount": 150}],
}  # fmt: skip
PHOTO = picture_file()


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def ask(telegram: BotApi, method: str, **params: Any) -> dict[str, Any]:
    """The whole answer to a call in JSON, good or bad."""
    return httpx2.post(f"{telegram.base_url}{TOKEN}/{method}", json=params, timeout=5).json()


def updates(telegram: BotApi, **params: Any) -> list[dict[str, Any]]:
    return ask(telegram, "getUpdates", **params)["result"]


def newest(telegram: BotApi) -> dict[str, Any]:
    return updates(telegram)[-1]


def last(telegram: BotApi, chat_id: int = ANN) -> Seen:
    found = telegram.last(chat_id)
    assert found is not None
    return found


def keys(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": "Go", **button}] for button in buttons]}


def text_to(chat_id: int, **more: Any) -> dict[str, Any]:
    return {"chat_id": chat_id, "text": "Hello", **more}


def burst(telegram: BotApi, chat_id: int, count: int) -> list[int]:
    """How each of several messages was answered: 0 for taken, or the seconds to wait."""
    answers = [ask(telegram, "sendMessage", **text_to(chat_id)) for _ in range(count)]
    return [one.get("parameters", {}).get("retry_after", 0) for one in answers]
