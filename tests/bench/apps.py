"""Makes the steady provider and the no-op task known to every process with these settings."""

from __future__ import annotations

import os

import redis
from celery import current_app
from django.apps import AppConfig


class Steady(AppConfig):
    name = "tests.bench"
    label = "bench"

    def ready(self) -> None:
        from generation.providers import PROVIDERS
        from tests.bench.provider import Provider

        steady = Provider()
        PROVIDERS["steady"] = lambda _config: steady
        server = redis.Redis.from_url(os.environ["REDIS_URL"])

        @current_app.task(name="bench.noop")
        def noop() -> None:
            server.lpush("bench:answer", "1")


class Unpaced(Steady):
    """Besides, the bot may speak as fast as it can."""

    def ready(self) -> None:
        super().ready()
        from telegram_integration import pace

        pace.OVERALL_MOST, pace.OVERALL_EVERY, pace.OVERALL_BURST = 100, 1e-4, 100.0
        pace.OVERALL_SECONDS, pace.CHAT_EVERY = 1e-4, 1e-4
