"""The database: whether it is there, new enough, up to date, and large enough for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from aibot.doctor.base import Advice, Finding, in_production

LEAST_VERSION = 15
MOST_SKEW_SECONDS = 5
OTHERS = 40
"""Connections of web, socket, clock and bot together, beside one worker."""


def server() -> Iterator[Finding]:
    try:
        connection.ensure_connection()
    except Exception as error:
        yield Finding(
            f"The database does not answer: {error}".partition("\n")[0],
            "Nothing works without it.",
            "See that it runs and that DATABASE_URL names its host, role, password and database.",
        )
        return
    if connection.vendor != "postgresql":
        if in_production():
            yield Finding(
                "The database is SQLite.",
                "It lets one write at a time, and only processes of one machine share it.",
                "Set DATABASE_URL=postgres://…",
            )
        return
    yield from _of_postgres(connection.pg_version // 10_000)


def _of_postgres(version: int) -> Iterator[Finding]:
    if version < LEAST_VERSION:
        yield Finding(
            f"PostgreSQL is {version}.",
            f"The studio is tested from {LEAST_VERSION} on.",
            f"Move the data to PostgreSQL {LEAST_VERSION} or newer.",
        )
    if _ask("SELECT pg_encoding_to_char(encoding) FROM pg_database"
            " WHERE datname = current_database()") != "UTF8":  # fmt: skip
        yield Finding(
            "The database is not in UTF-8.",
            "Names and wishes in other letters cannot be kept.",
            "Make it anew with ENCODING 'UTF8' and restore the data into it.",
        )
    skew = abs((_ask("SELECT clock_timestamp()") - datetime.now(UTC)).total_seconds())
    if skew > MOST_SKEW_SECONDS:
        yield Finding(
            f"The clocks of this machine and of the database differ by {skew:.0f} s.",
            "Leases and deadlines are told by both, so work is taken from the living.",
            "Run a time service (chrony, systemd-timesyncd) on both machines.",
        )


def rows() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        yield Finding(
            f"{len(plan)} migrations are not applied, the first is {plan[0][0]}.",
            "The code expects tables and columns that are not there.",
            "manage.py migrate, as the owner of the tables",
        )
    elif connection.vendor == "postgresql" and in_production() and _may_change_the_books():
        yield Advice(
            "The database's role may change and remove entries of the books.",
            "A mistake, or somebody who got in, could rewrite what people paid for.",
            "Run docker/postgres-role.sql and let DATABASE_URL name the role studio_app.",
        )


def connections_() -> Iterator[Finding]:
    if connection.vendor != "postgresql":
        return
    reserved = int(_ask("SHOW superuser_reserved_connections"))
    there = int(_ask("SHOW max_connections")) - reserved
    wanted = settings.CELERY_WORKER_CONCURRENCY + OTHERS
    if there < wanted:
        yield Finding(
            f"PostgreSQL allows {there} connections, the processes may want {wanted}.",
            "Whoever comes too late gets an error instead of a page.",
            "Raise max_connections, put PgBouncer before it, or lower OUTSIDE_CONCURRENCY.",
        )


def _may_change_the_books() -> bool:
    return bool(_ask("SELECT has_table_privilege(current_user, 'billing_entry', 'UPDATE')"))


def _ask(question: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]
