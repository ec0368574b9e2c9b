"""Revenue as rows: per day, product and gateway, and payment by payment for the tax office.

Days are those of settings.REPORT_TIME_ZONE. Money is exact to the kopeck; payments that were only
tests are left out unless they are asked for.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from datetime import time as clock
from datetime import timedelta as td
from decimal import Decimal
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet

from billing.models import Currency, Payment, Refund
from billing.payments.settling import TAX, share

FORMULA = ("=", "+", "-", "@", "\t", "\r")
HEADER = ("date", "payment id", "amount", "refund", "fee", "tax", "net", "currency")
NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class Period:
    """From the first day to the last, both counted."""

    first: date
    last: date

    @property
    def begins(self) -> datetime:
        return datetime.combine(self.first, clock.min, zone())

    @property
    def ends(self) -> datetime:
        return datetime.combine(self.last + td(days=1), clock.min, zone())

    def days(self) -> Iterator[date]:
        for number in range((self.last - self.first).days + 1):
            yield self.first + td(days=number)


@dataclass(frozen=True)
class Row:
    """One movement of money: a payment, or a refund. A refund's tax is what it takes off."""

    at: datetime
    payment: Payment
    amount: Decimal = NOTHING
    refund: Decimal = NOTHING
    fee: Decimal = NOTHING
    tax: Decimal = NOTHING

    @property
    def net(self) -> Decimal:
        return self.amount - self.refund - self.fee - self.tax

    @property
    def day(self) -> date:
        return self.at.astimezone(zone()).date()


@dataclass
class Sums:
    """What rows add up to, exactly."""

    count: int = 0
    amount: Decimal = NOTHING
    refund: Decimal = NOTHING
    fee: Decimal = NOTHING
    tax: Decimal = NOTHING
    cost: Decimal = NOTHING

    @property
    def net(self) -> Decimal:
        return self.amount - self.refund - self.fee - self.tax

    @property
    def margin(self) -> Decimal:
        """What is left when the providers are paid as well."""
        return self.net - self.cost

    def add(self, row: Row) -> None:
        self.count += bool(row.amount)
        for name in ("amount", "refund", "fee", "tax"):
            setattr(self, name, getattr(self, name) + getattr(row, name))

    def __add__(self, other: Sums) -> Sums:
        names = [field.name for field in fields(self)]
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in names})


def zone() -> ZoneInfo:
    return ZoneInfo(settings.REPORT_TIME_ZONE)


def today() -> date:
    return datetime.now(zone()).date()


def rows(
    period: Period, *, currency: str = Currency.RUB, tests: Iterable[bool] = (False,)
) -> list[Row]:
    """One for each payment made, and one for each refund given, in this period, in order.

    ``tests`` says of which sorts: real ones, those that only tried, or both.
    """
    found = [*_payments(period, currency, tests), *_refunds(period, currency, tests)]
    return sorted(found, key=lambda row: (row.at, row.payment.pk, row.refund))


def sums(rows: Iterable[Row]) -> Sums:
    total = Sums()
    for row in rows:
        total.add(row)
    return total


def by(rows: Iterable[Row], key: Any) -> dict[Any, Sums]:
    """Sums for each value of ``key``, a function of a row."""
    found: dict[Any, Sums] = {}
    for row in rows:
        found.setdefault(key(row), Sums()).add(row)
    return found


def _payments(period: Period, currency: str, tests: Iterable[bool]) -> Iterator[Row]:
    made: QuerySet[Payment] = Payment.objects.filter(
        status=Payment.Status.SUCCEEDED, currency=currency, test__in=list(tests),
        settled_at__gte=period.begins, settled_at__lt=period.ends,
    )  # fmt: skip
    for one in made.select_related("product").order_by("settled_at"):
        yield Row(one.settled_at, one, amount=one.amount, fee=one.fee, tax=one.tax)


def _refunds(period: Period, currency: str, tests: Iterable[bool]) -> Iterator[Row]:
    given = Refund.objects.filter(
        status=Refund.Status.SUCCEEDED, payment__currency=currency, payment__test__in=list(tests),
        settled_at__gte=period.begins, settled_at__lt=period.ends,
    )  # fmt: skip
    given = given.select_related("payment__product").prefetch_related("payment__refunds")
    for one in given.order_by("settled_at"):
        yield Row(one.settled_at, one.payment, refund=one.amount, tax=-_tax_off(one))


def _tax_off(refund: Refund) -> Decimal:
    """What a refund takes off the tax. A payment given back in parts ends at exactly no tax.

    The gateway keeps its fee.
    """
    if refund.payment.currency != Currency.RUB:
        return NOTHING
    given = (one for one in refund.payment.refunds.all() if one.status == refund.status)
    earlier = (one for one in given if (one.settled_at, one.pk) < (refund.settled_at, refund.pk))
    before = sum((one.amount for one in earlier), NOTHING)
    return share(before + refund.amount, TAX) - share(before, TAX)


def write_csv(rows: Iterable[Row], file: TextIO) -> None:
    """For the tax office: roubles, a line for each payment and each refund, no sums."""
    file.write("\ufeff")  # so that spreadsheets take it for UTF-8
    lines = csv.writer(file, lineterminator="\r\n")
    lines.writerow(HEADER)
    for row in rows:
        numbers = (row.amount, row.refund, row.fee, row.tax, row.net)
        known_as = row.payment.gateway_id or str(row.payment.code)
        lines.writerow(
            [row.day.isoformat(), plain(known_as), *map(kopecks, numbers), row.payment.currency]
        )


def kopecks(amount: Decimal) -> str:
    return f"{amount:.2f}"


def plain(text: str) -> str:
    """Foreign text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
