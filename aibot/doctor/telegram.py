"""Telegram: whether the token works, whose it is, and whether updates can reach us."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
from django.conf import settings

from aibot.doctor.base import Advice, Finding, in_production
from billing.gateways.base import GatewayError
from billing.gateways.door import Door
from billing.outside import trusted
from telegram_integration import webhooks

TOKEN = re.compile(r"\d{6,}:[\w-]{30,}")
LATELY_SECONDS = 3600
MOST_WAITING = 100
MOST_SKEW_SECONDS = 10
UNREACHABLE = "Telegram cannot be asked"


def bot() -> Iterator[Finding]:
    if not settings.TELEGRAM_BOT_TOKEN:
        if in_production() and not settings.TELEGRAM_BOT_ID:
            yield Finding(
                "There is neither TELEGRAM_BOT_TOKEN nor TELEGRAM_BOT_ID.",
                "Nobody can sign in: guests exist in debug only.",
                "Get a token from @BotFather.",
            )
        return
    if not TOKEN.fullmatch(settings.TELEGRAM_BOT_TOKEN):
        yield Finding(
            "TELEGRAM_BOT_TOKEN does not look like a token.",
            "A piece may be missing, or quotes or spaces came along.",
            "Copy it from @BotFather: digits, a colon, and 35 characters.",
        )
    me = _ask("getMe")
    if isinstance(me, Finding):
        yield me
    else:
        yield from _is_ours(me)


def _is_ours(me: dict[str, Any]) -> Iterator[Finding]:
    name = str(me.get("username", ""))
    if name.lower() != settings.TELEGRAM_BOT_NAME.lower():
        given = settings.TELEGRAM_BOT_NAME or "nothing"
        yield Finding(
            f"TELEGRAM_BOT_NAME is {given}, but the token belongs to {name}.",
            "Links to the bot lead elsewhere, and commands in groups are not heard.",
            f"Set TELEGRAM_BOT_NAME={name}",
        )
    if not me.get("supports_inline_queries"):
        yield Advice(
            "Inline mode is off.",
            f"@{name or 'bot'} offers nothing when somebody types it in another chat.",
            "Tell @BotFather /setinline, and /setinlinefeedback at 100 %.",
        )


def webhook() -> Iterator[Finding]:
    """How Telegram is told to bring updates, against how we want them."""
    if settings.TELEGRAM_MODE == "off":
        return
    info = _ask("getWebhookInfo")
    if isinstance(info, Finding):
        return  # the bot's own check says so
    url, wanted = str(info.get("url", "")), settings.TELEGRAM_MODE == "webhook"
    if url and not wanted:
        yield Finding(
            "Telegram has a webhook, but TELEGRAM_MODE is polling.",
            "Telegram refuses to be polled as long as it has one: the bot hears nothing.",
            "Start the bot (it takes the webhook away), or set TELEGRAM_MODE=webhook.",
        )
    if wanted and url != webhooks.address():
        yield Finding(
            "Telegram's webhook is " + ("not our address." if url else "not set."),
            "The bot hears nothing.",
            "Start the bot: manage.py runbot sets it.",
        )
    if time.time() - (info.get("last_error_date") or 0) < LATELY_SECONDS:
        yield Finding(
            f"Telegram could not bring an update lately: {info.get('last_error_message')}",
            "People write and get no answer.",
            "See that SITE_URL can be reached from outside with a certificate that browsers trust.",
        )
    if (waiting := info.get("pending_update_count") or 0) > MOST_WAITING:
        yield Finding(
            f"{waiting} updates wait at Telegram.",
            "People write and get no answer.",
            "See that the bot runs: manage.py runbot, and its log.",
        )


def clock() -> Iterator[Finding]:
    """Against the time in Telegram's answers, wherever the bot's API is."""
    if not settings.TELEGRAM_BOT_TOKEN:
        return
    try:
        with httpx2.Client(timeout=10, verify=trusted()) as client:
            told = client.get(settings.BOT_API_URL).headers.get("Date", "")
        skew = abs((parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (httpx2.HTTPError, ValueError):
        return  # the bot's own check says so
    if skew > MOST_SKEW_SECONDS:
        yield Finding(
            f"This machine's clock is {skew:.0f} s from Telegram's.",
            "Sign-in is refused as too old or too new.",
            "Run a time service: chrony or systemd-timesyncd.",
        )


def _ask(method: str) -> dict[str, Any] | Finding:
    try:
        path = f"/bot{settings.TELEGRAM_BOT_TOKEN}/{method}"
        status, answer = Door(settings.BOT_API_URL).call("GET", path)
    except GatewayError as error:
        return Finding(
            f"{UNREACHABLE}: {error.code}.",
            "The bot hears nothing and says nothing.",
            "See that this machine reaches BOT_API_URL.",
        )
    result = answer.get("result")
    if answer.get("ok") is True and isinstance(result, dict):
        return result
    return Finding(
        f"Telegram refuses TELEGRAM_BOT_TOKEN ({status}).",
        "The bot hears nothing and nobody can sign in.",
        "Copy the token from @BotFather again; it may have been revoked.",
    )
