"""Providers: who rests, what our accounts hold, how the last hour's orders ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta as td

from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from generation import breaker
from generation.models import Attempt, ProviderSetting

LOOKED_BACK = td(hours=1)


def now() -> Iterator[Metric]:
    orders = GaugeMetricFamily(
        "studio_provider_orders", "Orders of the last hour", labels=["provider", "outcome"]
    )
    resting = GaugeMetricFamily(
        "studio_provider_resting", "Its breaker is open", labels=["provider"]
    )
    since = timezone.now() - LOOKED_BACK
    rows = (
        Attempt.objects.filter(started_at__gt=since).order_by().values_list("provider", "outcome")
    )
    asked = set()
    for provider, outcome, number in rows.annotate(number=Count("pk")):
        orders.add_metric([provider, outcome or "open"], number)
        asked.add(provider)
    for provider in sorted(asked):
        resting.add_metric([provider], breaker.is_open(provider))
    yield orders
    yield resting
    yield _balances()


def _balances() -> Metric:
    family = GaugeMetricFamily(
        "studio_provider_balance", "What our account there holds, in its own units",
        labels=["provider"],
    )  # fmt: skip
    known = ProviderSetting.objects.filter(balance__isnull=False)
    for name, balance in known.values_list("name", "balance"):
        family.add_metric([name], float(balance))
    return family
