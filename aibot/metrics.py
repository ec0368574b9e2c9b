"""Numbers for Prometheus, read from the rows when asked: the same in every process."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from generation import retention
from generation.models import OPEN, Alert, Heartbeat, Job, State


class Studio(Collector):
    """Jobs by state and tool, how long the oldest waits, when workers last did a task."""

    def collect(self) -> Iterator[Metric]:
        yield _jobs()
        yield _oldest()
        yield _heartbeats()
        yield _alerts()
        yield from _overdue()

    def describe(self) -> list[Metric]:
        """Empty: naming the metrics must not ask the database at import."""
        return []


def _jobs() -> Metric:
    family = GaugeMetricFamily("studio_jobs", "Jobs by state and tool", labels=["state", "tool"])
    for row in Job.objects.values("state", "tool").annotate(number=Count("pk")).order_by():
        family.add_metric([row["state"], row["tool"]], row["number"])
    return family


def _oldest() -> Metric:
    family = GaugeMetricFamily("studio_oldest_open_job_seconds", "Age by state", labels=["state"])
    now = timezone.now()
    rows = Job.objects.filter(state__in=OPEN).values("state").annotate(since=Min("created_at"))
    since = {row["state"]: row["since"] for row in rows.order_by()}
    for state in (State.QUEUED, State.RUNNING, State.WAITING):
        family.add_metric([state], (now - since.get(state, now)).total_seconds())
    return family


def _heartbeats() -> Metric:
    family = GaugeMetricFamily(
        "studio_heartbeat_age_seconds", "Last proof of work", labels=["name"]
    )
    now = timezone.now()
    for name, beat_at in Heartbeat.objects.values_list("name", "beat_at"):
        family.add_metric([name], (now - beat_at).total_seconds())
    return family


def _alerts() -> Metric:
    """How often each has happened since it was opened."""
    family = GaugeMetricFamily("studio_open_alerts", "What needs the owner", labels=["key"])
    for key, times in Alert.objects.filter(cleared_at=None).values_list("key", "times"):
        family.add_metric([key], times)
    return family


def _overdue() -> Iterator[Metric]:
    """What should have been deleted: how much of each kind, and how late the oldest is."""
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


registry = CollectorRegistry()
registry.register(Studio())
