"""Back from the dead, by the commands that an owner types, into a database of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import environ
import pytest
from django.db import connection

from aibot.backups import sealing
from aibot.backups.drilling import url_of
from tests.bench import drill
from tests.chaos import stand

ROOT = Path(__file__).parents[2]
FILL = """
from telegram_integration.models import User
from generation import photos
from billing import ledger
from tests.pictures import picture_file
user = User.objects.create_user("ann")
ledger.open_account(user.pk)
kept, gone = (photos.ingest(user.pk, picture_file(colour)) for colour in ("teal", "red"))
print(kept.master, gone.master)
"""
LOOK = """
from generation.models import Photo
from billing.models import Entry
kept = Photo.objects.filter(deleted_at=None)
print(*kept.values_list("master", flat=True), Entry.objects.count())
"""


class Machine:
    """A folder with the studio's data, and its commands. SQLite: the other pass has the drill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environment = kept | {
            "ENV_FILE": "/dev/null", "DATA_DIR": str(folder), "PYTHONPATH": str(ROOT),
            "BACKUP_DIR": str(folder.parent / "backups"),
        }  # fmt: skip

    def __call__(self, *arguments: str, well: bool = True) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment,
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert (done.returncode == 0) is well, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path / "data")
    secret, made.environment["BACKUP_KEY"] = sealing.new_pair()
    (tmp_path / "key.txt").write_text(secret)
    return made


@pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="one pass is enough")
def test_a_lost_machine_comes_back_with_rows_pictures_and_books(
    machine: Machine, tmp_path: Path
) -> None:
    machine("migrate", "--verbosity=0")
    kept, gone = machine("shell", "-v0", "-c", FILL).split()
    bytes_of = (machine.folder / "media" / kept).read_bytes()
    machine("backup")
    identity, before = f"--identity={tmp_path / 'key.txt'}", sorted(tmp_path.rglob("*"))
    assert "can be brought back" in machine("drill", identity)
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "backups" / "pictures" / f"{gone}.age").unlink()
    assert "missing or damaged" in machine("drill", identity, well=False)
    shutil.rmtree(machine.folder)
    said = machine("restore", "latest", identity)
    assert "1 photos that were gone" in said
    assert "the books balance" in said
    assert machine("shell", "-v0", "-c", LOOK).split() == [kept, "1"]
    assert (machine.folder / "media" / kept).read_bytes() == bytes_of


def test_a_thousand_jobs_are_destroyed_and_come_back() -> None:
    """The drill in small; ``python -m tests.bench.drill`` is the whole of it."""
    if reason := stand.missing():
        (pytest.fail if os.environ.get("REQUIRE_ALL") else pytest.skip)(reason)
    if connection.vendor != "postgresql":
        pytest.skip("the other pass does it")
    figure = drill.main(1_000)
    assert figure.counted.startswith("1001 jobs, 1013 entries")
    assert "the books balance" in figure.counted


def test_urls_of_databases_survive_odd_passwords() -> None:
    given = {"NAME": "st/udio", "USER": "a@b", "PASSWORD": "p:/?#[]@ %", "HOST": "db", "PORT": 5432}
    read = environ.Env.db_url_config(url_of(given))
    assert {name: read[name] for name in given} == given
