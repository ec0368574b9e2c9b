"""What waits to be said or answered, who is alive, and what needs the owner."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from generation.models import FINAL, Alert, Heartbeat, Job
from telegram_integration.models import Incoming, Lane, Lease, OutgoingMessage
from telegram_integration.outbox import OPEN


def now() -> Iterator[Metric]:
    yield from _outbox()
    yield from _inbox()
    yield _heartbeats()
    yield _leases()
    yield _alerts()


def _outbox() -> Iterator[Metric]:
    """Only what is due: what is to be said later does not wait for us."""
    number = GaugeMetricFamily("studio_outbox", "Messages that are due", labels=["lane"])
    oldest = GaugeMetricFamily("studio_outbox_oldest_seconds", "Since it was due", labels=["lane"])
    now = timezone.now()
    due = OutgoingMessage.objects.filter(state__in=OPEN, due_at__lte=now).order_by()
    rows = due.values_list("lane").annotate(number=Count("pk"), since=Min("due_at"))
    found = {lane: (count, since) for lane, count, since in rows}
    for lane in Lane:
        count, since = found.get(lane, (0, now))
        number.add_metric([lane.name.lower()], count)
        oldest.add_metric([lane.name.lower()], (now - since).total_seconds())
    yield number
    yield oldest
    untold = Job.objects.filter(told_at=None, state__in=FINAL).count()
    yield GaugeMetricFamily("studio_untold_jobs", "Ended, and not told yet", value=untold)


def _inbox() -> Iterator[Metric]:
    now = timezone.now()
    found = Incoming.objects.filter(done_at=None).aggregate(n=Count("pk"), since=Min("received_at"))
    yield GaugeMetricFamily("studio_inbox", "Updates that nobody has answered", value=found["n"])
    yield GaugeMetricFamily(
        "studio_inbox_oldest_seconds", "Since it came",
        value=(now - (found["since"] or now)).total_seconds(),
    )  # fmt: skip


def _heartbeats() -> Metric:
    family = GaugeMetricFamily(
        "studio_heartbeat_age_seconds", "Last proof of work", labels=["name"]
    )
    now = timezone.now()
    for name, beat_at in Heartbeat.objects.values_list("name", "beat_at"):
        family.add_metric([name], (now - beat_at).total_seconds())
    return family


def _leases() -> Metric:
    """Above zero: somebody does it. A bot without a lease serves nobody."""
    family = GaugeMetricFamily(
        "studio_lease_seconds", "For how long it still holds", labels=["name"]
    )
    now = timezone.now()
    for name, until in Lease.objects.values_list("name", "until"):
        family.add_metric([name], (until - now).total_seconds())
    return family


def _alerts() -> Metric:
    """How often each has happened since it was opened."""
    family = GaugeMetricFamily("studio_open_alerts", "What needs the owner", labels=["key"])
    for key, times in Alert.objects.filter(cleared_at=None).values_list("key", "times"):
        family.add_metric([key], times)
    return family
