"""Keyboards: which buttons Telegram takes, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.vendors.botapi.params import Params, need

Button = dict[str, Any]
ACTS = (
    "url", "callback_data", "web_app", "login_url", "switch_inline_query",
    "switch_inline_query_current_chat", "switch_inline_query_chosen_chat", "copy_text",
    "callback_game", "pay",
)  # fmt: skip
STYLES = (None, "danger", "success", "primary")
START = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a deep link can carry into a chat: ``t.me/bot?start=...``."""


def markup(params: Params, *, private: bool, invoice: bool = False) -> dict[str, Any] | None:
    """The keyboard of a new message."""
    value = params.data("reply_markup")
    if not value:
        return None
    need(isinstance(value, dict), "object expected as reply markup")
    if "inline_keyboard" in value:
        return _inline(value, private=private, invoice=invoice)
    need(not invoice, "inline keyboard expected")
    for button in _each(value.get("keyboard", [])):
        _examine_reply_button(button, private=private)
    return value


def inline_markup(params: Params, *, private: bool, invoice: bool = False) -> dict[str, Any] | None:
    """The keyboard of a message that is edited: no other kind can be put on it."""
    value = params.data("reply_markup")
    need(not value or "inline_keyboard" in value, "inline keyboard expected")
    return _inline(value, private=private, invoice=invoice) if value else None


def _inline(value: dict[str, Any], *, private: bool, invoice: bool) -> dict[str, Any] | None:
    rows = value["inline_keyboard"]
    wrong = 'field "inline_keyboard" must be an Array of Arrays'
    need(isinstance(rows, list) and all(isinstance(row, list) for row in rows), wrong)
    buttons = list(_each(rows))
    need(len(buttons) <= 100, "reply markup is too long")
    for button in buttons:
        _examine(button, private=private)
    paying = [place for place, button in enumerate(buttons) if "pay" in button]
    need(not invoice or not buttons or paying == [0], "REPLY_MARKUP_BUY_EMPTY")
    need(invoice or not paying, "BUTTON_TYPE_INVALID")
    return {"inline_keyboard": [row for row in rows if row]} if buttons else None


def _each(rows: list[list[Any]]) -> Iterator[Any]:
    return (button for row in rows for button in row)


def _examine(button: Button, *, private: bool) -> None:
    about = "can't parse inline keyboard button: "
    need(isinstance(button, dict), f"{about}InlineKeyboardButton must be an Object")
    need(button.get("text"), f'{about}Can\'t find field "text"')
    need(button.get("style") in STYLES, f"{about}invalid button style specified")
    acts = [act for act in ACTS if button.get(act) or (act in button and "switch" in act)]
    need(acts, f"{about}Text buttons are unallowed in the inline keyboard")
    if acts[0] == "callback_data":
        need(len(button["callback_data"].encode()) <= 64, "BUTTON_DATA_INVALID")
    if acts[0] == "url":
        _examine_url(button["url"])
    if acts[0] == "web_app":
        _examine_web_app(button["web_app"], "inline keyboard button", private=private)
    if acts[0] == "copy_text":
        need(1 <= len(button["copy_text"].get("text", "")) <= 256, "BUTTON_COPY_TEXT_INVALID")


def _examine_reply_button(button: Button | str, *, private: bool) -> None:
    if isinstance(button, dict):
        need(button.get("text"), "can't parse keyboard button: Can't find field \"text\"")
        if app := button.get("web_app"):
            _examine_web_app(app, "keyboard button", private=private)


def _examine_url(url: str) -> None:
    """To Telegram a host has a dot: ``localhost`` breaks a bot that is tried at home."""
    known = re.fullmatch(r"(https?://)?[^\s/.:]+\.\S+|tg://\S+", url)
    need(known, f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def _examine_web_app(app: dict[str, str], where: str, *, private: bool) -> None:
    need(private, "BUTTON_TYPE_INVALID")
    examine_web_app_url(app.get("url", ""), where)


def examine_web_app_url(url: str, where: str) -> None:
    why = f"{where} Web App URL '{url}' is invalid: Only HTTPS links are allowed"
    need(url.startswith("https://"), why)
