"""What should have been deleted by now."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from generation import retention


def overdue() -> Iterator[Metric]:
    """How much of each kind, and how late the oldest is."""
    number = GaugeMetricFamily(
        "studio_retention_overdue", "Past the time for which it is kept", labels=["what"]
    )
    age = GaugeMetricFamily(
        "studio_retention_oldest_overdue_seconds", "How late the oldest is", labels=["what"]
    )
    for what, (count, seconds) in retention.overdue(timezone.now()).items():
        number.add_metric([what], count)
        age.add_metric([what], seconds)
    yield from (number, age)
