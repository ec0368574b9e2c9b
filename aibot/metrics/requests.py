"""What this process has answered. Under gunicorn its workers write to one folder and any of them
answers for all (PROMETHEUS_MULTIPROC_DIR, see gunicorn.conf.py); a restart begins at zero.
"""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
own = CollectorRegistry()
ANSWERS = Counter(
    "studio_http_requests", "Requests answered", ["method", "route", "status"], registry=own
)
SECONDS = Histogram(
    "studio_http_request_seconds", "Until the answer was ready", ["route"],
    buckets=BUCKETS, registry=own,
)  # fmt: skip
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count(method: str | None, route: str, status: int, seconds: float) -> None:
    """A stranger chooses neither method nor route, or the series would have no end."""
    known = method if method in METHODS else "other"
    ANSWERS.labels(known, route, str(status)).inc()
    SECONDS.labels(route).observe(seconds)


def text() -> bytes:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(own)
    together = CollectorRegistry()
    MultiProcessCollector(together)
    return generate_latest(together)
