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
