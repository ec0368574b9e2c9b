"""Redis: whether each answers, and does not throw away what it was given to keep."""

from __future__ import annotations

from collections.abc import Iterator

import redis
from django.conf import settings

from aibot.doctor.base import Finding, in_production

SECONDS = 3
LEAST_VERSION = 6
USES = ("BROKER_URL", "CHANNELS_URL", "CACHE_URL")


def servers() -> Iterator[Finding]:
    used = {name: url for name in USES if (url := getattr(settings, name))}
    if (missing := sorted(set(USES) - set(used))) and in_production():
        yield Finding(
            f"{', '.join(missing)} is not set.",
            "Bells, live updates or limits would stay inside one process.",
            "Set REDIS_URL, or each of the three.",
        )
    for url in sorted(set(used.values())):
        yield from _server(url, [name for name in used if used[name] == url])


def _server(url: str, names: list[str]) -> Iterator[Finding]:
    try:
        with redis.Redis.from_url(
            url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS
        ) as server:
            said = server.info()
    except redis.RedisError as error:
        yield Finding(
            f"The Redis of {', '.join(names)} does not answer: {error}",
            "Work is found only by looking, and pages hear nothing by themselves.",
            "See that it runs and that the address, number and password are right.",
        )
        return
    version = said.get("redis_version", "0")
    if int(version.partition(".")[0]) < LEAST_VERSION:
        yield Finding(
            f"The Redis of {', '.join(names)} is {version}.",
            "Older ones lack what the queue asks of them.",
            "Use Redis 7 or newer.",
        )
    policy = said.get("maxmemory_policy", "noeviction")
    if "BROKER_URL" in names and policy.startswith("allkeys"):
        yield Finding(
            f"The Redis of BROKER_URL throws keys away when it is full ({policy}).",
            "Bells are lost under load, so work waits until somebody looks.",
            "Set maxmemory-policy noeviction there, and give CACHE_URL a Redis of its own.",
        )
