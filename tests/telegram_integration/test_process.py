"""The bot's process before a fake Telegram: how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from telegram.error import InvalidToken

from telegram_integration import process
from telegram_integration.models import Incoming, Lease
from tests.telegram_integration.delivering import ANN, Post, at_hand
from tests.vendors import botapi
from tests.vendors.botapi import TOKEN, BotApi

pytestmark = pytest.mark.django_db


@pytest.fixture
def telegram(settings: Any) -> Iterator[BotApi]:
    with BotApi() as api:
        settings.TELEGRAM_BOT_TOKEN, settings.BOT_API_URL = TOKEN, api.url
        settings.TELEGRAM_MODE = "polling"
        yield api


@pytest.fixture
def post(telegram: BotApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    with Post(telegram, at_hand(monkeypatch)) as made:
        made.kill()  # the process delivers by itself
        yield made


def served(post: Post, stop: asyncio.Event) -> Any:
    """It runs, and has taken an update."""
    running = asyncio.run_coroutine_threadsafe(process.run(stop), post.loop)
    post.telegram.start(ANN)
    post.until(lambda: Incoming.objects.filter(done_at__isnull=False).exists() or running.done())
    return running


def test_a_token_that_is_revoked_ends_it_and_gives_the_lease_back(
    telegram: BotApi, post: Post
) -> None:
    running = served(post, asyncio.Event())
    telegram.token = "another"
    telegram.say(ANN, "/help")
    post.until(running.done)
    assert isinstance(running.exception(), InvalidToken)
    assert Lease.objects.get().until <= timezone.now()


def test_pages_in_place_of_answers_end_nothing(telegram: BotApi, post: Post) -> None:
    telegram.script("getMe", botapi.HTML)
    telegram.script("getUpdates", botapi.HTML)
    stop = asyncio.Event()
    running = served(post, stop)
    assert not running.done()
    post.loop.call_soon_threadsafe(stop.set)
    post.until(running.done)
    assert running.exception() is None
