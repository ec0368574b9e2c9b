"""Money: what came in, went back and was kept from it, and whether the books agree.

Payments that were only tests are counted apart and never summed. What providers took is with jobs.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min, Sum
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from billing.models import Audit, Lot, Payment, Refund, Subscription


def books() -> Iterator[Metric]:
    yield from _payments()
    yield from _sums()
    yield from _refunds()
    yield from _audits()
    yield _units()
    yield _plans()


def _payments() -> Iterator[Metric]:
    labels = ["gateway", "status"]
    number = GaugeMetricFamily("studio_payments", "Payments by state", labels=[*labels, "test"])
    rows = Payment.objects.order_by().values_list(*labels, "test").annotate(number=Count("pk"))
    for gateway, status, test, count in rows:
        number.add_metric([gateway, status, str(test).lower()], count)
    yield number
    waiting = Payment.objects.filter(status__in=Payment.OPEN).aggregate(since=Min("created_at"))
    since = waiting["since"] or timezone.now()
    yield GaugeMetricFamily(
        "studio_oldest_open_payment_seconds", "How long the oldest has not been decided",
        value=(timezone.now() - since).total_seconds(),
    )  # fmt: skip
    yield GaugeMetricFamily(
        "studio_payments_in_trouble", "That staff must look at",
        value=Payment.objects.exclude(trouble="").count(),
    )  # fmt: skip


def _sums() -> Iterator[Metric]:
    labels = ["currency", "gateway", "product"]
    families = {
        name: CounterMetricFamily(f"studio_{metric}", what, labels=labels)
        for name, metric, what in (
            ("amount", "revenue", "What was paid"), ("fee", "fees", "What gateways kept"),
            ("tax", "tax", "What the tax takes of it"),
        )
    }  # fmt: skip
    made = Payment.objects.filter(status=Payment.Status.SUCCEEDED, test=False).order_by()
    sums = {f"sum_{name}": Sum(name) for name in families}
    for row in made.values("currency", "gateway", "product__code").annotate(**sums):
        of = [row["currency"], row["gateway"], row["product__code"]]
        for name, family in families.items():
            family.add_metric(of, float(row[f"sum_{name}"]))
    yield from families.values()


def _refunds() -> Iterator[Metric]:
    number = GaugeMetricFamily("studio_refunds", "Refunds by state", labels=["status"])
    money = CounterMetricFamily("studio_refunded", "What went back", labels=["currency"])
    rows = Refund.objects.filter(payment__test=False).order_by()
    for status, count in rows.values_list("status").annotate(number=Count("pk")):
        number.add_metric([status], count)
    given = rows.filter(status=Refund.Status.SUCCEEDED)
    for currency, amount in given.values_list("payment__currency").annotate(sum=Sum("amount")):
        money.add_metric([currency], float(amount))
    yield number
    yield money


def _audits() -> Iterator[Metric]:
    """Of each sort the newest: how old it is, and what it found."""
    found = GaugeMetricFamily("studio_audit_findings", "What does not agree", labels=["sort"])
    age = GaugeMetricFamily("studio_audit_age_seconds", "Since it ended", labels=["sort"])
    for sort in Audit.Sort.values:
        if audit := Audit.objects.filter(sort=sort, ended_at__isnull=False).first():
            found.add_metric([sort], len(audit.findings))
            age.add_metric([sort], (timezone.now() - audit.ended_at).total_seconds())
    yield found
    yield age


def _units() -> Metric:
    """What people have and may still spend: owed to them."""
    family = GaugeMetricFamily("studio_units_left", "Not spent yet", labels=["kind"])
    left = Lot.objects.live().order_by().values_list("kind").annotate(left=Sum("remaining"))
    for kind, units in left:
        family.add_metric([kind], units)
    return family


def _plans() -> Metric:
    family = GaugeMetricFamily("studio_plans", "Plans that run", labels=["product", "renews"])
    running = Subscription.objects.running().order_by().values("product__code", "renews")
    for row in running.annotate(number=Count("pk")):
        family.add_metric([row["product__code"], str(row["renews"]).lower()], row["number"])
    return family
