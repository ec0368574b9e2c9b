"""How old the last backup is."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from generation.models import Heartbeat


def age() -> Iterator[Metric]:
    """Nothing where none is to be taken; infinite where none ever was."""
    family = GaugeMetricFamily("studio_backup_age_seconds", "Since the last whole backup")
    if settings.BACKUP_KEY:
        last = Heartbeat.objects.filter(name="backup").first()
        seconds = (timezone.now() - last.beat_at).total_seconds() if last else float("inf")
        family.add_metric([], seconds)
    yield family
