"""A Redis that does not answer costs a moment, never a request."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aibot.cache import ForgivingRedisCache

ROOT = Path(__file__).parents[2]
SECONDS_OF = """
import time, django
django.setup()
from django.core.cache import cache
from generation import live, queue
begun = time.perf_counter()
queue.ring()
live._send("job.1", {"type": "job.changed"})
assert cache.get("limit", "none") == "none"
cache.set("limit", 1)
print(time.perf_counter() - begun)
"""


@pytest.fixture
def dead_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def mute_port() -> Iterator[int]:
    """Takes connections and says nothing, like a Redis that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def seconds_with_redis_at(port: int, folder: Path) -> float:
    environment = os.environ | {
        "REDIS_URL": f"redis://127.0.0.1:{port}/0", "DATABASE_URL": "sqlite://:memory:",
        "DJANGO_SETTINGS_MODULE": "aibot.settings", "ENV_FILE": "/dev/null",
        "DATA_DIR": str(folder), "LOG_LEVEL": "CRITICAL",
    }  # fmt: skip
    for name in ("BROKER_URL", "CHANNELS_URL", "CACHE_URL"):
        environment.pop(name, None)
    done = subprocess.run([sys.executable, "-c", SECONDS_OF], cwd=ROOT, env=environment,
                          check=True, capture_output=True, text=True, timeout=60)  # fmt: skip
    return float(done.stdout)


def test_a_dead_redis_holds_up_nobody(dead_port: int, tmp_path: Path) -> None:
    """With kombu's own retries the bell alone took six seconds."""
    assert seconds_with_redis_at(dead_port, tmp_path) < 1


def test_a_hanging_redis_is_waited_for_once(mute_port: int, tmp_path: Path) -> None:
    """The bell waits as long as a worker's connection may be silent, the cache a second."""
    assert seconds_with_redis_at(mute_port, tmp_path) < 8


def test_a_cache_that_is_away_is_an_empty_cache(dead_port: int) -> None:
    cache = ForgivingRedisCache(f"redis://127.0.0.1:{dead_port}/0", {})
    assert cache.get("limit", "none") == "none"
    assert cache.add("limit", 1) is False
    assert cache.get_many(["limit"]) == {}
    assert not cache.has_key("limit")
    cache.set("limit", 1)
    assert cache.delete("limit") is False
