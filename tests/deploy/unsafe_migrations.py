"""What a migration must not do while the code of the last release still runs beside the new one.

That code goes on with the new schema until it is stopped, and again after a rollback; and whoever
waits for a lock on a table makes everybody wait who comes after. So: only add (columns that may be
empty or have a `db_default`), build indexes CONCURRENTLY, add constraints NOT VALID and validate
them by themselves, and take away only what no release uses any more, a release later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.migrations import Migration, RunPython
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django_migration_linter import MigrationLinter
from django_migration_linter.sql_analyser import PostgresqlAnalyser
from django_migration_linter.sql_analyser.base import Check, CheckMode, CheckType

OURS = ("billing", "generation", "telegram_integration")
BASELINE = {
    "billing": "0004_notices",
    "generation": "0010_seeing",
    "telegram_integration": "0004_inline",
}
"""The last of each app before the first release that was deployed beside another: not judged."""

ALLOWED: dict[tuple[str, str], dict[str, str]] = {}
"""``{(app, migration): {code: why}}``: somebody has looked, and says why it is safe."""

LOCKING_CONSTRAINT = re.compile(r"ALTER TABLE (\S+) ADD CONSTRAINT .*(CHECK|FOREIGN KEY|EXCLUDE)")


def _has_constraint_that_locks(statements: list[str], **_kwargs: Any) -> bool:
    """Checked against every row, while nobody may write; a table made here has none."""
    made = {sql.split()[2] for sql in statements if sql.startswith("CREATE TABLE")}
    found = [match for sql in statements if (match := LOCKING_CONSTRAINT.match(sql))]
    return any(match[1] not in made and "NOT VALID" not in match.string.upper() for match in found)


class Analyser(PostgresqlAnalyser):
    """The library's checks, and two that it has not."""

    migration_checks = [
        *PostgresqlAnalyser.migration_checks,
        Check(
            code="ADD_CONSTRAINT",
            fn=_has_constraint_that_locks,
            message="ADD CONSTRAINT checks every row under a lock",
            mode=CheckMode.TRANSACTION,
            type=CheckType.ERROR,
        ),
        Check(
            code="CHANGE_ROWS",
            fn=lambda sql, **_kwargs: re.match(r"\s*(UPDATE|DELETE)\b", sql, re.IGNORECASE),
            message="one statement over all rows locks all of them",
            mode=CheckMode.ONE_LINER,
            type=CheckType.ERROR,
        ),
    ]


def refusals(migration: Migration, before: ProjectState) -> set[str]:
    """The codes of what is unsafe in it, warnings of the library included; empty: it is safe."""
    analyser = Analyser(None)
    analyser.analyse(list(_statements(migration, before)))
    codes = {issue.code for issue in analyser.errors + analyser.warnings}
    codes |= set(_about_data(migration))
    return codes - ALLOWED.get((migration.app_label, migration.name), {}).keys()


def _statements(migration: Migration, before: ProjectState) -> Iterator[str]:
    if migration.atomic:
        yield "BEGIN;"
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        migration.apply(before.clone(), editor, collect_sql=True)
    yield from (sql for sql in editor.collected_sql if not sql.startswith("--"))


def _about_data(migration: Migration) -> Iterator[str]:
    """In batches, each with a transaction of its own: one over all rows locks all of them."""
    moves = [operation for operation in migration.operations if isinstance(operation, RunPython)]
    if not moves:
        return
    if migration.atomic:
        yield "RUNPYTHON_ATOMIC"
    if len(moves) < len(migration.operations):
        yield "RUNPYTHON_WITH_SCHEMA"
    for move in moves:
        for issue in MigrationLinter.get_runpython_model_import_issues(move.code):
            yield issue.code


def not_judged_yet() -> list[tuple[Migration, ProjectState]]:
    """Ours after the baseline, each with the schema that it finds."""
    loader = MigrationLoader(connection)
    return [
        (loader.graph.nodes[key], loader.graph.make_state([key], at_end=False))
        for app in OURS
        for key in loader.graph.forwards_plan(_leaf(loader, app))
        if key[0] == app and key[1] > BASELINE[app]
    ]


def _leaf(loader: MigrationLoader, app: str) -> tuple[str, str]:
    return loader.graph.leaf_nodes(app)[0]
