"""Reports: exact to the kopeck, by the owner's days, without tests and other currencies."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db.models import Sum
from django.test import Client
from django.urls import reverse

from billing import ledger, payments, reports
from billing.models import Payment, Product
from billing.reports import Period
from generation.models import Job
from generation.reports import board
from telegram_integration.models import User
from tests.billing.buying import buy, buy_for_real
from tests.generation.test_pages import finished

pytestmark = pytest.mark.django_db

NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
AWKWARD = ["0.01", "0.37", "33.33", "199.99", "1234.56", "99999.99"]


@pytest.fixture(autouse=True)
def _shop(settings: Any) -> None:
    settings.DEBUG = True


def sold(user: User, rubles: str, at: datetime = NOON) -> Payment:
    with time_machine.travel(at, tick=False):
        Product.objects.filter(code="pack-100").update(rubles=Decimal(rubles))
        return buy_for_real(user)


def given_back(payment: Payment, rubles: str, at: datetime = NOON) -> None:
    with time_machine.travel(at, tick=False):
        payments.refund(payment, Decimal(rubles), "asked for", None)


def table(period: Period = NOVEMBER) -> list[dict[str, str]]:
    file = io.StringIO()
    reports.write_csv(reports.rows(period), file)
    assert file.getvalue().startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(file.getvalue().removeprefix("\ufeff"))))


def test_a_payment_is_a_row_with_its_fee_tax_and_net(person: User) -> None:
    payment = sold(person, "199.00")
    assert table() == [
        {
            "date": "2026-11-10", "payment id": payment.gateway_id, "amount": "199.00",
            "refund": "0.00", "fee": "5.57", "tax": "7.96", "net": "185.47", "currency": "RUB",
        }
    ]  # fmt: skip


def test_totals_equal_the_sum_of_the_rows_to_the_kopeck(person: User) -> None:
    for rubles in AWKWARD:
        sold(person, rubles)
    given_back(Payment.objects.get(amount=Decimal("33.33")), "11.11")
    total, lines = reports.sums(reports.rows(NOVEMBER)), table()
    for name in ("amount", "refund", "fee", "tax", "net"):
        assert getattr(total, name) == sum(Decimal(line[name]) for line in lines)
    booked = Payment.objects.aggregate(amount=Sum("amount"), fee=Sum("fee"))
    assert (total.amount, total.fee) == (booked["amount"], booked["fee"])
    assert total.net == total.amount - total.refund - total.fee - total.tax


def test_a_payment_given_back_in_parts_leaves_no_tax(person: User) -> None:
    payment = sold(person, "99.99")
    for rubles in ("33.33", "33.33", "33.33"):
        given_back(payment, rubles)
    lines = table()
    assert [line["refund"] for line in lines] == ["0.00", "33.33", "33.33", "33.33"]
    assert sum(Decimal(line["tax"]) for line in lines) == 0
    assert sum(Decimal(line["net"]) for line in lines) == -payment.fee


def test_a_refund_belongs_to_the_day_on_which_it_was_given(person: User) -> None:
    payment = sold(person, "199.00")
    given_back(payment, "50.00", datetime(2026, 12, 2, 12, tzinfo=UTC))
    december = table(Period(date(2026, 12, 1), date(2026, 12, 31)))
    assert [(line["date"], line["refund"], line["tax"]) for line in december] == [
        ("2026-12-02", "50.00", "-2.00")
    ]
    assert len(table()) == 1


def test_days_end_at_the_owners_midnight(person: User) -> None:
    sold(person, "199.00", datetime(2026, 11, 30, 21, 30, tzinfo=UTC))  # half past midnight there
    assert table() == []
    assert table(Period(date(2026, 12, 1), date(2026, 12, 1)))[0]["date"] == "2026-12-01"


def test_tests_and_stars_are_not_for_the_tax_office(person: User) -> None:
    with time_machine.travel(NOON, tick=False):
        buy(person)
        stars = buy_for_real(person)
        Payment.objects.filter(pk=stars.pk).update(currency="XTR")
    assert table() == []


@pytest.mark.parametrize(
    "begins", reports.FORMULA, ids=["equals", "plus", "minus", "at", "tab", "return"]
)
def test_a_gateways_id_is_never_a_formula(begins: str, person: User) -> None:
    payment = sold(person, "199.00")
    Payment.objects.filter(pk=payment.pk).update(gateway_id=f"{begins}1+1")
    assert table()[0]["payment id"].startswith("'")


def test_the_number_of_queries_does_not_grow_with_the_refunds(
    person: User, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for _purchase in range(4):
        given_back(sold(person, "199.00"), "50.00")
    with django_assert_max_num_queries(3):
        assert len(reports.rows(NOVEMBER)) == 8


# --- beside what pictures cost -------------------------------------------------------------


def drawn(user: User, cost: str, provider: str = "kie") -> Job:
    """A finished job that was charged, and what its provider took."""
    with time_machine.travel(NOON, tick=False):
        job = finished(user, provider=provider, cost=Decimal(cost))
        ledger.draw_credits(user.pk, 2, key=job.charge_key, reason=job.tool)
    return job


def test_margin_is_what_fee_tax_and_providers_leave(person: User) -> None:
    sold(person, "199.00")
    drawn(person, "2.5000")
    made = board(NOVEMBER)
    assert (made.total.cost, made.total.margin) == (Decimal("2.5000"), Decimal("182.9700"))
    assert made.days[date(2026, 11, 10)].margin == made.total.margin
    assert sum(one.amount for one in made.days.values()) == made.total.amount
    assert set(made.products) == {"pack-100"}
    assert set(made.gateways) == {"sandbox"}


def test_a_tool_and_a_provider_earn_what_was_paid_for_the_units_spent(person: User) -> None:
    ledger.draw_credits(person.pk, 5, key="x:1:charge", reason="edit")  # those that were given
    sold(person, "200.00")
    drawn(person, "2.50")
    drawn(person, "0.50", provider="local")
    made = board(NOVEMBER)
    assert (made.tools["imagine"].earned, made.tools["imagine"].jobs) == (Decimal("8.00"), 2)
    assert made.providers["kie"].margin == Decimal("1.50")
    assert made.providers["local"].margin == Decimal("3.50")


def test_what_was_given_earns_nothing_and_what_was_given_back_is_not_earned(person: User) -> None:
    free = drawn(person, "2.50")
    assert board(NOVEMBER).tools["imagine"].earned == 0
    ledger.draw_credits(person.pk, 3, key="x:1:charge", reason="edit")
    sold(person, "200.00")
    failed = drawn(person, "0")
    with time_machine.travel(NOON, tick=False):
        ledger.refund(person.pk, failed.charge_key, key=failed.refund_key, reason="imagine failed")
    assert board(NOVEMBER).tools[free.tool].earned == 0


# --- the pages of staff --------------------------------------------------------------------


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("staff"))
    return client


ASKED = {"first": "2026-11-01", "last": "2026-11-30"}


def test_staff_see_the_period_and_take_the_csv(staff: Client, person: User) -> None:
    sold(person, "199.00")
    page = staff.get(reverse("reports"), ASKED)
    assert "199 ₽" in page.content.decode()
    assert " style=" not in page.content.decode()
    answer = staff.get(reverse("reports_tax"), ASKED | {"sort": "both"})
    assert 'filename="payments-2026-11-01-2026-11-30.csv"' in answer["Content-Disposition"]
    assert answer.content.decode("utf-8-sig").count("\r\n") == 2


def test_the_page_opens_with_no_period_and_nothing_in_it(staff: Client) -> None:
    assert "Nothing in this period." in staff.get(reverse("reports")).content.decode()


@pytest.mark.parametrize(
    "asked",
    [{"first": "2020-01-01", "last": "2026-01-01"}, {"first": "2026-02-01", "last": "2026-01-01"},
     {"first": "x", "last": "y"}],
    ids=["six years", "backwards", "no dates"],
)  # fmt: skip
def test_a_period_that_cannot_be_is_refused(staff: Client, asked: dict[str, str]) -> None:
    assert staff.get(reverse("reports"), asked).status_code == 200
    assert staff.get(reverse("reports_tax"), asked).status_code == 400


def test_who_may_not_see_payments_sees_no_reports(client: Client) -> None:
    client.force_login(User.objects.create_user("helper", is_staff=True))
    assert client.get(reverse("reports")).status_code == 403
    assert client.get(reverse("reports_tax")).status_code == 403
