"""The rows, put back into an empty database."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.db import connection

from aibot.backups.dumping import last_words, postgres_environment, program
from aibot.backups.problem import BackupError, Damaged


def check_empty() -> None:
    """Raises BackupError where there is anything to lose."""
    if connection.introspection.table_names():
        raise BackupError(
            f"The database {connection.settings_dict['NAME']} is not empty. Restore into an empty "
            "one, or say --replace: everything that is in it is lost then."
        )


def load(dump: Path) -> None:
    """Everything that was in the database is gone after this."""
    _load_sqlite(dump) if connection.vendor == "sqlite" else _load_postgres(dump)


def _load_postgres(dump: Path) -> None:
    if connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.close()
    environment = postgres_environment(connection.settings_dict)
    command = [
        program("pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error",
        f"--jobs={min(4, os.cpu_count() or 1)}", f"--dbname={environment['PGDATABASE']}", str(dump),
    ]  # fmt: skip
    done = subprocess.run(command, env=environment, check=False, capture_output=True)
    if done.returncode:
        raise BackupError(f"pg_restore failed: {last_words(done.stderr)}")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # the planner knows nothing of rows that were loaded


def _load_sqlite(dump: Path) -> None:
    """Beside the database first, and in its place only once it is known to be whole."""
    target = Path(settings.DATABASES["default"]["NAME"])
    fresh = target.with_name(target.name + ".restored")
    try:
        with gzip.open(dump) as packed, fresh.open("wb") as file:
            shutil.copyfileobj(packed, file)
        with closing(sqlite3.connect(fresh)) as database:
            sound = database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    except (OSError, EOFError, sqlite3.DatabaseError) as error:
        raise Damaged(f"The dump does not unpack ({error})") from None
    if not sound:
        raise Damaged("The database in the dump is not sound")
    connection.close()
    for name in ("-wal", "-shm"):
        target.with_name(target.name + name).unlink(missing_ok=True)
    os.replace(fresh, target)
