"""Jobs: what is open, what became of the rest, how long people wait, who has a hand free."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta as td

from django.db.models import Count, Min, Q, Sum
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from generation.models import FINAL, OPEN, Heartbeat, Job, State, Tool
from generation.providers import OWN_MACHINE

LOOKED_BACK = td(hours=1)
MOST_JOBS = 400
QUANTILES = (0.5, 0.95)
PRESENT = td(seconds=60)
HERE, OUTSIDE = "here", "outside"


def now() -> Iterator[Metric]:
    yield _open()
    yield _oldest()
    yield _waits()
    yield from _hands()


def ended() -> Iterator[Metric]:
    """All jobs that ever ended, and what providers took for them."""
    labels = ["state", "tool", "provider"]
    number = CounterMetricFamily("studio_jobs_ended", "Jobs that ended", labels=labels)
    cost = CounterMetricFamily(
        "studio_job_cost_rubles", "What providers took", labels=["tool", "provider"]
    )
    rows = Job.objects.filter(state__in=FINAL).order_by().values(*labels)
    costs: dict[tuple[str, str], float] = {}
    for row in rows.annotate(number=Count("pk"), cost=Sum("cost")):
        number.add_metric([row[label] for label in labels], row["number"])
        of = row["tool"], row["provider"]
        costs[of] = costs.get(of, 0) + float(row["cost"])
    for of, rubles in costs.items():
        cost.add_metric(of, rubles)
    yield number
    yield cost


def _open() -> Metric:
    family = GaugeMetricFamily("studio_jobs", "Open jobs by state", labels=["state", "tool"])
    rows = Job.objects.filter(state__in=OPEN).order_by().values_list("state", "tool")
    found = {(state, tool): number for state, tool, number in rows.annotate(number=Count("pk"))}
    for state in OPEN:
        for tool in Tool.values:
            family.add_metric([state, tool], found.get((state, tool), 0))
    return family


def _oldest() -> Metric:
    family = GaugeMetricFamily("studio_oldest_open_job_seconds", "Age by state", labels=["state"])
    now = timezone.now()
    rows = Job.objects.filter(state__in=OPEN).values("state").annotate(since=Min("created_at"))
    since = {row["state"]: row["since"] for row in rows.order_by()}
    for state in OPEN:
        family.add_metric([state], (now - since.get(state, now)).total_seconds())
    return family


def _waits() -> Metric:
    """From asking to having it, over the last hour's newest jobs."""
    family = GaugeMetricFamily(
        "studio_job_seconds",
        "How long people waited for what was done",
        labels=["tool", "quantile"],
    )
    since = timezone.now() - LOOKED_BACK
    for tool in Tool.values:
        done = Job.objects.filter(tool=tool, state=State.DONE, finished_at__gt=since)
        times = done.order_by("-finished_at").values_list("created_at", "finished_at")[:MOST_JOBS]
        took = sorted((end - begin).total_seconds() for begin, end in times)
        for quantile in QUANTILES if took else ():
            value = took[min(int(quantile * len(took)), len(took) - 1)]
            family.add_metric([tool, str(quantile)], value)
    return family


def _hands() -> Iterator[Metric]:
    slots = GaugeMetricFamily("studio_worker_slots", "Jobs at once, of all", labels=["kind"])
    busy = GaugeMetricFamily("studio_worker_busy", "Of these in hand", labels=["kind"])
    here = Q(provider__in=OWN_MACHINE) & ~Q(tool=Tool.ASSISTANT)
    running = Job.objects.filter(state=State.RUNNING)
    for kind, prefix, which in ((HERE, "worker:", here), (OUTSIDE, "outside:", ~here)):
        fresh = {"name__startswith": prefix, "beat_at__gt": timezone.now() - PRESENT}
        there = Heartbeat.objects.filter(**fresh).aggregate(slots=Sum("slots"))
        slots.add_metric([kind], there["slots"] or 0)
        busy.add_metric([kind], running.filter(which).count())
    yield slots
    yield busy
