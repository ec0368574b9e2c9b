"""Numbers for Prometheus. Most are read from rows when asked: the same in every process.

What only a process knows, like how many requests it has answered, is in `requests.py`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aibot.metrics import backups, jobs, money, people, providers, queues, retention

logger = logging.getLogger(__name__)

Part = Callable[[], Iterable[Metric]]
SOON, LATER = 5.0, 60.0
"""Seconds for which an answer is kept: what needs an eye, and what reads many rows."""
PARTS: dict[str, tuple[Part, float]] = {
    "jobs": (jobs.now, SOON),
    "ended": (jobs.ended, LATER),
    "queues": (queues.now, SOON),
    "providers": (providers.now, LATER),
    "people": (people.all_of_them, LATER),
    "money": (money.books, LATER),
    "retention": (retention.overdue, SOON),
    "backups": (backups.age, SOON),
}


class Rows(Collector):
    """All parts. One that cannot be read leaves the others readable, and says so."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[float, list[Metric]]] = {}

    def collect(self) -> Iterator[Metric]:
        seconds = GaugeMetricFamily(
            "studio_metrics_seconds", "How long each part took to read", labels=["part"]
        )
        failed = GaugeMetricFamily(
            "studio_metrics_failed", "Parts that could not be read", labels=["part"]
        )
        for name, (part, keep) in PARTS.items():
            began = time.monotonic()
            try:
                found = self._read(name, part, keep)
            except Exception:
                logger.warning("the numbers of %s could not be read", name, exc_info=True)
                found = []
                failed.add_metric([name], 1)
            else:
                failed.add_metric([name], 0)
            seconds.add_metric([name], time.monotonic() - began)
            yield from found
        yield seconds
        yield failed

    def _read(self, name: str, part: Part, keep: float) -> list[Metric]:
        now = time.monotonic()
        read_at, found = self.kept.get(name, (float("-inf"), []))
        if now - read_at >= keep:
            found = list(part())
            self.kept[name] = now, found
        return found

    def describe(self) -> list[Metric]:
        """Empty: naming the metrics must not ask the database at import."""
        return []


registry = CollectorRegistry()
registry.register(Rows())
