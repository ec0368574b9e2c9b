"""Many threads at once, each with a connection of its own, let go at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from billing import audit


@pytest.fixture(autouse=True)
def _books_balance_afterwards(transactional_db: None) -> Any:
    yield
    assert audit.findings() == []


@pytest.fixture
def together() -> Callable[..., list[Any]]:
    """``together(64, act)`` calls ``act(number)`` in 64 threads: answers or exceptions."""

    def run(number: int, act: Callable[[int], Any]) -> list[Any]:
        gate = threading.Barrier(number)

        def one(which: int) -> Any:
            connection.ensure_connection()
            gate.wait(timeout=30)
            try:
                return act(which)
            except Exception as error:
                return error
            finally:
                connection.close()

        with ThreadPoolExecutor(number) as threads:
            return list(threads.map(one, range(number)))

    return run
