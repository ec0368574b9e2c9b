"""The role of docker/postgres-role.sql: it charges, and cannot touch what is booked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from billing import ledger
from billing.models import Entry, Price
from telegram_integration.models import User

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="needs PostgreSQL: set DATABASE_URL"
    ),
]

GRANTS = Path(__file__).parents[2] / "docker" / "postgres-role.sql"
EDIT = Price(tool="edit", credits=1, actions=1)


@pytest.fixture
def role(person: User) -> Iterator[str]:
    """A role with these grants alone, named after the database so that two runs do not meet."""
    name = f"app_of_{connection.settings_dict['NAME']}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP ROLE IF EXISTS {name}")
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'only here'")
        cursor.execute(GRANTS.read_text().replace("studio_app", name))
        yield name
        cursor.execute("RESET ROLE")
        cursor.execute(f"DROP OWNED BY {name}")
        cursor.execute(f"DROP ROLE {name}")


def connect(role: str) -> psycopg.Connection:
    given = connection.settings_dict
    return psycopg.connect(
        host=given["HOST"], port=given["PORT"] or 5432, dbname=given["NAME"],
        user=role, password="only here",
    )  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    ["UPDATE billing_entry SET delta = 9", "DELETE FROM billing_entry", "TRUNCATE billing_entry"],
)
def test_what_is_booked_stays_booked(role: str, statement: str) -> None:
    before = list(Entry.objects.values_list("pk", "delta"))
    with connect(role) as own, pytest.raises(psycopg.errors.InsufficientPrivilege):
        own.execute(statement)
    assert list(Entry.objects.values_list("pk", "delta")) == before != []


def test_charges_and_refunds_need_no_more(role: str, person: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")
        ledger.charge(person.pk, EDIT, key="job:1:charge", reason="edit")
        ledger.refund(person.pk, "job:1:charge", key="job:1:refund", reason="edit failed")
        ledger.open_account(User.objects.create_user("newcomer").pk)
        cursor.execute("RESET ROLE")
    assert ledger.balance(person.pk).credit == 5
