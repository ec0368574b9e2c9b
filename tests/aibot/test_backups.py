"""Backups: whole or not there at all, damage is found, old ones go."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from datetime import timedelta as td
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from aibot.backups import clock, dumping, manifest, pool, restoring, sealing, taking
from aibot.backups.problem import BackupError, Damaged
from aibot.metrics import backups
from generation import photos
from generation.models import Alert, Heartbeat, Photo
from generation.tasks import canary
from telegram_integration.models import User
from tests.pictures import picture_file

pytestmark = pytest.mark.django_db(transaction=True)  # a dump sees what is committed

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """Where backups lie, with a key to seal them for and the secret one beside it."""
    settings.DATA_DIR = tmp_path
    options = {"location": str(tmp_path / "backups")}
    backups = {"BACKEND": "aibot.backups.place.Folder", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "backups": backups}
    secret, public = sealing.new_pair()
    (tmp_path / "key.txt").write_text(f"# a comment\n{secret}\n")
    settings.BACKUP_KEY = [public]
    return tmp_path / "backups"


@pytest.fixture
def secrets(tmp_path: Path) -> list[Any]:
    return sealing.identities(tmp_path / "key.txt")


@pytest.fixture
def photo(person: User) -> Photo:
    return photos.ingest(person.pk, picture_file())


def take_at(moment: datetime) -> manifest.Manifest:
    with time_machine.travel(moment, tick=False):
        return taking.take()


def restore(made: manifest.Manifest, secrets: list[Any], replace: bool = True) -> Any:
    return restoring.restore(
        made.stamp, secrets, media=default_storage, replace=replace, say=lambda _text: None
    )


# ── taking ────────────────────────────────────────────────────────────────────────────────────


def test_a_backup_counts_its_rows_and_pictures(photo: Photo) -> None:
    made = taking.check(taking.take().stamp)
    assert made.rows["generation_photo"] == 1
    assert made.rows["billing_lot"] == 1
    assert made.sums == {"billing_entry": 5, "billing_lot": 5}
    assert made.pictures == 2


def test_nothing_in_it_can_be_read_without_the_secret_key(photo: Photo, folder: Path) -> None:
    taking.take()
    stored = photos.read(photo)
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert stored[:64] not in written
    assert b"ann" not in written
    assert (folder.stat().st_mode & 0o777) == 0o700
    assert {path.stat().st_mode & 0o077 for path in folder.rglob("*.*")} == {0}


def test_what_is_sealed_opens_with_the_secret_key(photo: Photo, secrets: list[Any]) -> None:
    from io import BytesIO

    taking.take()
    sealing.unseal(pool.sealed(photo.master), opened := BytesIO(), secrets)
    assert opened.getvalue() == photos.read(photo)


def test_a_picture_is_sealed_once_for_all_backups(photo: Photo, folder: Path) -> None:
    take_at(NOON)
    sealed = folder / pool.sealed(photo.master)
    before = (sealed.stat().st_ino, sealed.stat().st_mtime_ns)
    take_at(NOON + td(days=1))
    assert (sealed.stat().st_ino, sealed.stat().st_mtime_ns) == before


def test_a_deleted_picture_leaves_the_backups_a_week_later(photo: Photo, folder: Path) -> None:
    take_at(NOON)
    sealed = folder / pool.sealed(photo.master)
    photos.forget(photo)
    for day in range(1, 7):
        take_at(NOON + td(days=day))
        assert sealed.exists()
    take_at(NOON + td(days=7))
    assert not sealed.exists()


def test_one_that_fails_leaves_nothing_and_tells_the_owner(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(pool, "add", lambda _known: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            taking.take()
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert Alert.objects.get(cleared_at=None).key == "backup:not_taken"
    taking.take()
    assert not Alert.objects.filter(cleared_at=None).exists()


def test_what_a_death_left_is_no_backup_and_goes_with_the_next(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    with monkeypatch.context() as death:
        death.setattr(manifest.Manifest, "save", lambda _self: 1 / 0)
        death.setattr(taking, "remove", lambda _stamp: None)
        with pytest.raises(ZeroDivisionError):
            take_at(NOON)
    assert (folder / "20261125T120000Z" / "database.age").exists()
    assert manifest.complete() == []
    take_at(NOON + td(days=1))
    assert not (folder / "20261125T120000Z").exists()


def test_two_at_once_are_one(tmp_path: Path) -> None:
    with (tmp_path / taking.LOCK).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match="Another backup"):
            taking.take()
    assert taking.take()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
def test_a_dump_that_breaks_off_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "pg_dump"
    broken.write_text("#!/bin/sh\necho half; echo 'disk is full' >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(dumping, "program", lambda _name: str(broken))
    with pytest.raises(BackupError, match="disk is full"):
        taking.take()
    assert manifest.complete() == []


@pytest.mark.parametrize("key", [[], ["age1nonsense"]])
def test_without_a_key_there_is_no_backup(settings: Any, key: list[str]) -> None:
    settings.BACKUP_KEY = key
    with pytest.raises(BackupError, match="--new-key"):
        taking.take()


# ── damage ────────────────────────────────────────────────────────────────────────────────────

PARTS = ("database.age", "pictures.gz", "manifest.json", "picture")


def path_of(part: str, made: manifest.Manifest, folder: Path, photo: Photo) -> Path:
    return folder / (pool.sealed(photo.master) if part == "picture" else made.name(part))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


@contextmanager
def harmed(path: Path, harm: Callable[[Path], None]) -> Iterator[None]:
    whole = path.read_bytes()
    harm(path)
    yield
    path.write_bytes(whole)


@pytest.mark.parametrize("part", PARTS)
def test_damage_is_found_without_the_key(part: str, photo: Photo, folder: Path) -> None:
    made = taking.take()
    path = path_of(part, made, folder, photo)
    for harm in (flip, cut, Path.unlink):
        with harmed(path, harm), pytest.raises(BackupError, match="backup --list"):
            taking.check(made.stamp)
    assert taking.check(made.stamp) == made


def test_what_is_damaged_is_not_restored_and_nothing_is_touched(
    photo: Photo, folder: Path, secrets: list[Any]
) -> None:
    made = taking.take()
    for part in PARTS[:3]:
        for harm in (flip, cut, Path.unlink):
            path = path_of(part, made, folder, photo)
            with harmed(path, harm), pytest.raises(BackupError):
                restore(made, secrets)
    assert Photo.objects.get() == photo


def test_a_dump_whose_bytes_are_right_and_whose_seal_is_not_does_not_open(
    photo: Photo, folder: Path, secrets: list[Any]
) -> None:
    """Somebody who can write into the place may mend the checksums, but not the seal."""
    made = taking.take()
    flip(folder / made.name("database.age"))
    made.parts["database.age"] = sealing.measure(made.name("database.age"))
    made.save()
    with pytest.raises(Damaged, match="does not open"):
        restore(made, secrets)
    assert Photo.objects.exists()


def test_another_key_does_not_open_it_and_is_told_whose_does(photo: Photo, tmp_path: Path) -> None:
    made = taking.take()
    (tmp_path / "other.txt").write_text(sealing.new_pair()[0])
    with pytest.raises(BackupError, match=made.keys[0]):
        restore(made, sealing.identities(tmp_path / "other.txt"))


def test_what_is_no_key_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "no.txt").write_text("hello")
    for name in ("no.txt", "missing.txt"):
        with pytest.raises(BackupError, match="holds no secret key"):
            sealing.identities(tmp_path / name)


def test_a_database_that_is_not_empty_is_spared(photo: Photo, secrets: list[Any]) -> None:
    with pytest.raises(BackupError, match="--replace"):
        restore(taking.take(), secrets, replace=False)
    assert Photo.objects.get() == photo


def test_a_backup_of_another_kind_of_database_is_refused(secrets: list[Any]) -> None:
    made = taking.take()
    made.engine = "oracle"
    made.save()
    with pytest.raises(BackupError, match="oracle"):
        restore(made, secrets)


# ── the clock ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    commands: list[list[str]] = []
    started = SimpleNamespace(Popen=lambda command, **_how: commands.append(command), DEVNULL=None)
    monkeypatch.setattr(clock, "subprocess", started)
    return commands


def test_the_clock_begins_what_is_due(begun: list[list[str]], settings: Any) -> None:
    clock.look(NOON)
    assert [command[-2:] for command in begun] == [[f"{settings.BASE_DIR}/manage.py", "backup"]]


def test_it_begins_nothing_twice_and_nothing_without_a_key(
    begun: list[list[str]], settings: Any
) -> None:
    take_at(NOON)
    clock.look(NOON + td(hours=1))
    settings.BACKUP_KEY = []
    clock.look(NOON + td(days=9))
    assert begun == []


def test_once_begun_it_is_left_alone_for_a_while(begun: list[list[str]]) -> None:
    for hours in (0, 1, 2.9):
        clock.look(NOON + td(hours=hours))
    assert len(begun) == 1
    clock.look(NOON + td(hours=3))
    assert len(begun) == 2


def test_a_late_backup_is_an_alert_until_one_is_taken(begun: list[list[str]]) -> None:
    take_at(NOON)
    clock.look(NOON + td(hours=25))
    assert not Alert.objects.exists()
    clock.look(NOON + td(hours=27))
    assert Alert.objects.get(cleared_at=None).key == "backup:not_taken_lately"
    taking.take()
    assert not Alert.objects.filter(cleared_at=None).exists()


def test_how_old_the_last_one_is_can_be_read(settings: Any) -> None:
    assert age() == float("inf")
    taking.take()
    Heartbeat.objects.update(beat_at=timezone.now() - td(days=2))
    canary()  # it forgets old heartbeats, and must not forget this one
    assert age() >= 2 * 86400
    settings.BACKUP_KEY = []
    assert age() is None


def age() -> float | None:
    """As Prometheus is told."""
    (family,) = backups.age()
    return family.samples[0].value if family.samples else None


# ── the command ───────────────────────────────────────────────────────────────────────────────


def test_the_command_takes_lists_and_checks(photo: Photo) -> None:
    said = StringIO()
    for arguments in ([], ["--list"], ["--check", "latest"]):
        call_command("backup", *arguments, stdout=said)
    assert said.getvalue().count("2 files of pictures") == 3


def test_new_keys_overwrite_none(tmp_path: Path) -> None:
    said, file = StringIO(), tmp_path / "new.txt"
    call_command("backup", "--new-key", str(file), stdout=said, stderr=StringIO())
    assert said.getvalue().startswith("BACKUP_KEY=age1")
    assert len(sealing.identities(file)) == 1
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("backup", "--new-key", str(file))


@pytest.mark.parametrize("which", ["latest", "20200101T000000Z", "../../etc"])
def test_what_is_not_there_is_said_to_be_missing(which: str) -> None:
    with pytest.raises(CommandError, match="There is no backup"):
        call_command("backup", "--check", which)


def test_another_database_needs_a_folder_of_its_own(tmp_path: Path) -> None:
    taking.take()
    key = f"--identity={tmp_path / 'key.txt'}"
    with pytest.raises(CommandError, match="go together"):
        call_command("restore", "latest", key, "--data", str(tmp_path / "other"))


def test_restoring_needs_an_empty_database_by_the_command_too(photo: Photo, tmp_path: Path) -> None:
    taking.take()
    with pytest.raises(CommandError, match="is not empty"):
        call_command("restore", "latest", f"--identity={tmp_path / 'key.txt'}")
    assert Photo.objects.get() == photo
