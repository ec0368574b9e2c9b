"""What pictures earned and cost: revenue of billing beside what the providers were paid.

A purchase is revenue of its day. To say what a tool or a provider earned, each credit and action
that was spent counts at what was paid for it; welcome and free ones earned nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db.models import Count, F, Sum
from django.db.models.functions import TruncDate

from billing import reports
from billing.models import Currency, Entry
from billing.reports import NOTHING, Period, Sums
from generation.models import Job

TOGETHER = 2_000
KOPECK = Decimal("0.01")


@dataclass
class Spent:
    """What jobs of one tool or provider earned, and what they cost us."""

    jobs: int = 0
    earned: Decimal = NOTHING
    cost: Decimal = NOTHING

    @property
    def margin(self) -> Decimal:
        return self.earned - self.cost


@dataclass
class Board:
    """Everything for one period, in roubles; Stars apart, in Stars."""

    total: Sums
    days: dict[date, Sums]
    products: dict[str, Sums]
    gateways: dict[str, Sums]
    stars: Sums
    tools: dict[str, Spent] = field(default_factory=dict)
    providers: dict[str, Spent] = field(default_factory=dict)


def board(period: Period, *, tests: Iterable[bool] = (False,)) -> Board:
    rows, tests = reports.rows(period, tests=tests), list(tests)
    stars = reports.sums(reports.rows(period, currency=Currency.XTR, tests=tests))
    days = {day: Sums() for day in period.days()} | reports.by(rows, lambda row: row.day)
    made = Board(
        total=reports.sums(rows),
        days=days,
        products=reports.by(rows, lambda row: row.payment.product.code),
        gateways=reports.by(rows, lambda row: row.payment.gateway),
        stars=stars,
    )
    _add_costs(made, period)
    _add_earnings(made, period, tests)
    return made


def _add_costs(made: Board, period: Period) -> None:
    tools, providers = defaultdict(Spent), defaultdict(Spent)
    for day, tool, provider, cost, jobs in _costs(period):
        made.days[day].cost += cost
        made.total.cost += cost
        for spent in (tools[tool], providers[provider]):
            spent.cost += cost
            spent.jobs += jobs
    made.tools, made.providers = dict(tools), dict(providers)


def _costs(period: Period) -> Iterable[tuple[Any, ...]]:
    """Ended jobs, failed ones too: a provider may be paid for what came to nothing."""
    ended = Job.objects.filter(finished_at__gte=period.begins, finished_at__lt=period.ends)
    day = TruncDate("finished_at", tzinfo=reports.zone())
    grouped = ended.order_by().annotate(day=day).values("day", "tool", "provider")
    summed = grouped.annotate(paid=Sum("cost"), jobs=Count("pk"))
    return summed.values_list("day", "tool", "provider", "paid", "jobs")


def _add_earnings(made: Board, period: Period, tests: list[bool]) -> None:
    moves = _moves(period, tests)
    while some := list(islice(moves, TOGETHER)):
        jobs = _jobs(code for code, _value in some)
        for code, value in some:
            if job := jobs.get(code):
                made.tools.setdefault(job[0], Spent()).earned += value
                made.providers.setdefault(job[1], Spent()).earned += value
    for spent in (*made.tools.values(), *made.providers.values()):
        spent.earned = spent.earned.quantize(KOPECK)


def _moves(period: Period, tests: list[bool]) -> Iterator[tuple[str, Decimal]]:
    """A job's code, and what the units were paid that it took or gave back."""
    moved = Entry.objects.filter(
        key__startswith="job:", created_at__gte=period.begins, created_at__lt=period.ends,
        lot__payment__currency=Currency.RUB, lot__payment__test__in=tests,
    ).annotate(kept=F("lot__payment__amount") - F("lot__payment__refunded"))  # fmt: skip
    fields = moved.values_list("key", "delta", "kept", "lot__granted").order_by("pk")
    for key, delta, kept, granted in fields.iterator(TOGETHER):
        yield key.split(":")[1], -delta * Decimal(kept) / granted


def _jobs(codes: Iterable[str]) -> dict[str, tuple[str, str]]:
    found = Job.objects.filter(code__in=set(codes)).values_list("code", "tool", "provider")
    return {str(code): (tool, provider) for code, tool, provider in found}
