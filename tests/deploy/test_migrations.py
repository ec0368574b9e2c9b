"""Unsafe migrations are refused, one by one; what the README says to do instead is not."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import connection, models
from django.db.migrations import Migration, RunPython, RunSQL
from django.db.migrations import operations as do
from django.db.migrations.loader import MigrationLoader

from tests.deploy.unsafe_migrations import ALLOWED, BASELINE, not_judged_yet, refusals

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(settings.SQLITE, reason="locks are PostgreSQL's"),
]

FEW = models.CharField(max_length=8, null=True)
POSITIVE = models.CheckConstraint(condition=models.Q(count__gt=0), name="job_count_positive")


def refused(*operations: Any, atomic: bool = True) -> set[str]:
    """What is said against these as the next migration of pictures."""
    loader = MigrationLoader(connection)
    planted = type("Planted", (Migration,), {"operations": list(operations), "atomic": atomic})
    return refusals(planted("9999_planted", "generation"), loader.project_state())


def count_up(apps: Any, _schema_editor: Any) -> None:
    apps.get_model("generation", "Job").objects.update(count=1)


def import_wrongly(_apps: Any, _schema_editor: Any) -> None:
    from generation.models import Job

    Job.objects.update(count=1)


@pytest.mark.parametrize(
    ("code", "operation"),
    [
        ("NOT_NULL", do.AddField("job", "mood", models.CharField(max_length=8, default=""))),
        ("NOT_NULL", do.AlterField("job", "box", models.JSONField(default=list))),
        ("ALTER_COLUMN", do.AlterField("job", "slot", models.BigIntegerField(null=True))),
        ("DROP_COLUMN", do.RemoveField("job", "stage")),
        ("RENAME_COLUMN", do.RenameField("job", "stage", "phase")),
        ("RENAME_TABLE", do.RenameModel("Heartbeat", "Pulse")),
        ("DROP_TABLE", do.DeleteModel("Heartbeat")),
        ("CREATE_INDEX", do.AddIndex("job", models.Index(fields=["tool"], name="job_tool"))),
        ("CREATE_INDEX", do.AddField("job", "note", models.CharField(
            max_length=8, null=True, db_index=True))),
        ("DROP_INDEX", do.RemoveIndex("job", "job_open")),
        ("ADD_UNIQUE", do.AddConstraint("job", models.UniqueConstraint(
            fields=["owner", "seed"], name="job_seed_once"))),
        ("ADD_CONSTRAINT", do.AddConstraint("job", POSITIVE)),
        ("ADD_CONSTRAINT", RunSQL(
            "ALTER TABLE generation_job ADD CONSTRAINT x FOREIGN KEY (id) REFERENCES auth_group")),
        ("CHANGE_ROWS", RunSQL("UPDATE generation_job SET count = 1")),
        ("RUNPYTHON_ATOMIC", RunPython(count_up)),
        ("RUNPYTHON_MODEL_IMPORT", RunPython(import_wrongly)),
    ],
)  # fmt: skip
def test_what_locks_or_breaks_the_code_before_it_is_refused(code: str, operation: Any) -> None:
    assert code in refused(operation)


def test_moving_data_together_with_the_schema_is_refused() -> None:
    both = refused(do.AddField("job", "mood", FEW), RunPython(count_up), atomic=False)
    assert both == {"RUNPYTHON_WITH_SCHEMA"}


@pytest.mark.parametrize(
    "operation",
    [
        do.AddField("job", "mood", FEW),
        do.AddField("job", "mood", models.CharField(max_length=8, db_default="")),
        do.CreateModel("Mood", [
            ("id", models.BigAutoField(primary_key=True)),
            ("job", models.ForeignKey("generation.Job", models.CASCADE)),
            ("name", models.CharField(max_length=8, unique=True)),
        ]),
        do.AlterField("job", "stage", models.CharField(max_length=32, blank=True, help_text="now")),
        AddConstraintNotValid("job", POSITIVE),
    ],
)  # fmt: skip
def test_what_only_adds_is_let_through(operation: Any) -> None:
    assert refused(operation) == set()


@pytest.mark.parametrize(
    "operation",
    [
        AddIndexConcurrently("job", models.Index(fields=["tool"], name="job_tool")),
        RemoveIndexConcurrently("job", "job_open"),
        RunPython(count_up),
    ],
)
def test_what_holds_no_lock_for_long_is_let_through(operation: Any) -> None:
    assert refused(operation, atomic=False) == set()


def test_a_constraint_is_validated_by_itself() -> None:
    loader = MigrationLoader(connection)
    state = loader.project_state()
    AddConstraintNotValid("job", POSITIVE).state_forwards("generation", state)
    validate = type("Planted", (Migration,), {
        "operations": [ValidateConstraint("job", POSITIVE.name)]})  # fmt: skip
    assert refusals(validate("9999_planted", "generation"), state) == set()


def test_every_migration_after_the_baseline_is_safe_or_explained() -> None:
    judged = {(m.app_label, m.name): refusals(m, before) for m, before in not_judged_yet()}
    assert {key: codes for key, codes in judged.items() if codes} == {}


def test_the_baseline_and_what_is_allowed_name_migrations_that_are_there() -> None:
    known = set(MigrationLoader(connection).disk_migrations)
    assert set(BASELINE.items()) <= known
    assert ALLOWED.keys() <= known
    assert all(why.endswith(".") for codes in ALLOWED.values() for why in codes.values())


def test_whoever_migrates_gives_up_a_lock_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=5s")
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as fresh:
        assert fresh.execute("SHOW lock_timeout").fetchone() == ("5s",)
