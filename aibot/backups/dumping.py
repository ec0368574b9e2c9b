"""The rows: dumped as they were at one moment, with what was counted at that same moment."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from aibot.backups.problem import BackupError
from aibot.backups.sealing import Part, seal

SUMS = {"billing_entry": "delta", "billing_lot": "remaining"}
"""What the books come to."""
LOCK_WAIT = "60s"


@dataclass(frozen=True)
class Dump:
    part: Part
    rows: dict[str, int]
    sums: dict[str, int]


def dump(name: str) -> Dump:
    """The whole database, sealed under ``name``."""
    return _dump_sqlite(name) if connection.vendor == "sqlite" else _dump_postgres(name)


def count(query: Callable[[str], int]) -> tuple[dict[str, int], dict[str, int]]:
    """Rows of every table, and the sums of the books. The names are our own."""
    tables = sorted(connection.introspection.django_table_names(only_existing=True))
    tables.append("django_migrations")
    rows = {table: query(f'SELECT count(*) FROM "{table}"') for table in tables}  # noqa: S608
    sums = {t: query(f'SELECT coalesce(sum("{f}"), 0) FROM "{t}"') for t, f in SUMS.items()}  # noqa: S608
    return rows, sums


def count_now() -> tuple[dict[str, int], dict[str, int]]:
    with connection.cursor() as cursor:
        return count(lambda sql: _one(cursor, sql))


def postgres_environment(database: dict[str, Any]) -> dict[str, str]:
    """How PostgreSQL's own programs find the database: a password is never an argument."""
    given = {
        "PGHOST": database.get("HOST"), "PGPORT": database.get("PORT"),
        "PGUSER": database.get("USER"), "PGPASSWORD": database.get("PASSWORD"),
        "PGDATABASE": database["NAME"],
        "PGSSLMODE": (database.get("OPTIONS") or {}).get("sslmode"),
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return kept | {name: str(value) for name, value in given.items() if value}


def program(name: str) -> str:
    if not (found := shutil.which(name)):
        raise BackupError(f"{name} is missing: apt-get install postgresql-client.")
    return found


def _dump_postgres(name: str) -> Dump:
    """The dump joins the snapshot of a transaction that counts, so both see the same rows."""
    source = connection.copy()
    source.settings_dict = {**source.settings_dict, **settings.BACKUP_DATABASE}
    try:
        with source.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            part = _pg_dump(name, source.settings_dict, cursor.fetchone()[0])
            rows, sums = count(lambda sql: _one(cursor, sql))
            return Dump(part, rows, sums)
    finally:
        source.close()


def _pg_dump(name: str, database: dict[str, Any], snapshot: str) -> Part:
    command = [
        program("pg_dump"), "--format=custom", "--compress=1", "--no-owner", "--no-privileges",
        f"--snapshot={snapshot}", f"--lock-wait-timeout={LOCK_WAIT}",
    ]  # fmt: skip
    with tempfile.TemporaryFile(dir=settings.DATA_DIR) as said:
        dumping = subprocess.Popen(
            command, env=postgres_environment(database), stdout=subprocess.PIPE, stderr=said
        )
        try:
            part = seal(dumping.stdout, name)
        finally:
            dumping.stdout.close()
            code = dumping.wait()
        if code:
            said.seek(0)
            raise BackupError(f"pg_dump failed: {last_words(said.read())}")
    return part


def last_words(said: bytes) -> str:
    return " ".join(said.decode(errors="replace").split())[-500:]


def _dump_sqlite(name: str) -> Dump:
    """SQLite copies itself, page by page, while others write."""
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix="backup-") as folder:
        copy, packed = Path(folder) / "studio.db", Path(folder) / "studio.db.gz"
        connection.ensure_connection()
        with closing(sqlite3.connect(copy)) as target:
            connection.connection.backup(target)
            rows, sums = count(lambda sql: target.execute(sql).fetchone()[0])
        with copy.open("rb") as plain, gzip.open(packed, "wb", compresslevel=1) as file:
            shutil.copyfileobj(plain, file)
        with packed.open("rb") as file:
            return Dump(seal(file, name), rows, sums)


def _one(cursor: Any, sql: str) -> int:
    cursor.execute(sql)
    return int(cursor.fetchone()[0])
