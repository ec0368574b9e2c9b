"""The drill: a backup brought back into a database and a folder of its own, which then go again."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode, urlunsplit

from django.conf import settings
from django.db import connection

from aibot.backups.problem import BackupError


def drill(stamp: str, identity: Path) -> float:
    """Restore it elsewhere, which compares counts, books and pictures. Returns the seconds.

    Raises BackupError where anything is wrong; the restore has said what.
    """
    begun = time.monotonic()
    room = tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix="drill-")
    with room as folder, _database() as url:
        code = restore_elsewhere(stamp, identity, database_url=url, data=Path(folder))
    if code:
        raise BackupError("The drill failed: this backup would not have brought everything back.")
    return time.monotonic() - begun


def restore_elsewhere(
    stamp: str, identity: Path, *, database_url: str, data: Path, flags: tuple[str, ...] = ()
) -> int:
    """`manage.py restore` in an environment that names another database and folder."""
    command = [
        sys.executable, str(settings.BASE_DIR / "manage.py"), "restore", stamp,
        f"--identity={identity.resolve()}", f"--media={data.resolve() / 'media'}", *flags,
    ]  # fmt: skip
    environment = os.environ | {
        "DATABASE_URL": database_url or f"sqlite:///{data.resolve() / 'studio.db'}",
        "DATA_DIR": str(data.resolve()), "SECRET_KEY": settings.SECRET_KEY,
    }  # fmt: skip
    if location := settings.STORAGES["backups"].get("OPTIONS", {}).get("location"):
        environment["BACKUP_DIR"] = str(location)
    return subprocess.run(command, env=environment, check=False).returncode


@contextmanager
def _database() -> Iterator[str]:
    """An empty one beside ours; empty for SQLite, whose database is a file of the folder."""
    if connection.vendor == "sqlite":
        yield ""
        return
    name = f"drill_{secrets.token_hex(4)}"
    _admin(f'CREATE DATABASE "{name}"')
    try:
        yield url_of({**connection.settings_dict, "NAME": name})
    finally:
        _admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _admin(sql: str) -> None:
    """Outside a transaction, on a connection of its own."""
    admin = connection.copy()
    try:
        with admin.cursor() as cursor:
            cursor.execute(sql)
    except Exception as error:
        raise BackupError(
            f"The drill needs a role that may create databases ({str(error).strip()}). Give it "
            "one in DATABASE_URL, or restore into an empty database with `restore --database`."
        ) from None
    finally:
        admin.close()


def url_of(database: dict[str, object]) -> str:
    user = quote(str(database.get("USER") or ""), safe="")
    password = quote(str(database.get("PASSWORD") or ""), safe="")
    host, port = database.get("HOST") or "", database.get("PORT") or ""
    who = f"{user}:{password}@" if password else f"{user}@" if user else ""
    where = quote(str(host), safe="") if str(host).startswith("/") else str(host)
    query = urlencode({k: v for k, v in (database.get("OPTIONS") or {}).items() if k == "sslmode"})
    netloc = f"{who}{where}:{port}" if port else f"{who}{where}"
    return urlunsplit(("postgres", netloc, f"/{quote(str(database['NAME']), safe='')}", query, ""))
