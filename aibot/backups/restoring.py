"""Bringing a backup back: into an empty database and beside whatever pictures there are."""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from aibot.backups import dumping, loading, manifest, pool, sealing
from aibot.backups.manifest import Manifest
from aibot.backups.problem import BackupError, Damaged
from aibot.backups.taking import DATABASE, PICTURES
from billing import audit
from generation.models import Photo

MOST_AT_ONCE = 1000
Say = Callable[[str], Any]


@dataclass
class Verdict:
    """What was found afterwards; well when nothing is wrong."""

    seconds: float = 0
    pictures: int = 0
    gone: int = 0
    wrong: list[str] = field(default_factory=list)
    to_do: list[str] = field(default_factory=list)


def restore(
    stamp: str, secrets: list[Any], *, media: Storage, replace: bool, say: Say = print
) -> Verdict:
    """Rows and pictures as they were; then the books and the counts are compared.

    Nothing is touched before the backup has proved to be whole and to open with this key.
    """
    begun, verdict = time.monotonic(), Verdict()
    made = manifest.load(stamp)
    _check_fits(made, secrets)
    if not replace:
        loading.check_empty()
    for name, part in made.parts.items():
        sealing.check(made.name(name), part)
    pictures = pool.read_list(made.name(PICTURES))
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix="restore-") as folder:
        dump = Path(folder) / "dump"
        with dump.open("wb") as file:
            sealing.unseal(made.name(DATABASE), file, secrets)
        say(f"The dump is opened, {time.monotonic() - begun:.0f} s. Loading the rows.")
        loading.load(dump)
    say(f"The rows are there, {time.monotonic() - begun:.0f} s. Looking at them.")
    verdict.wrong += _miscounted(made)
    _bring_pictures(pictures, secrets, media, verdict)
    verdict.gone = _mark_gone(media)
    verdict.to_do += _migrations()
    say(f"The pictures are there, {time.monotonic() - begun:.0f} s. Auditing the books.")
    if not verdict.to_do:  # columns of another version cannot be asked for
        verdict.wrong += audit.look().findings
    verdict.seconds = time.monotonic() - begun
    return verdict


def _check_fits(made: Manifest, secrets: list[Any]) -> None:
    if made.engine != connection.vendor:
        raise BackupError(
            f"This is a backup of {made.engine}, and DATABASE_URL names a {connection.vendor}."
        )
    public = {str(secret.to_public()) for secret in secrets}
    if not public & set(made.keys):
        raise BackupError(
            f"This key does not open it. The backup was sealed for {', '.join(made.keys)}; "
            "bring the secret key of one of these."
        )


def _miscounted(made: Manifest) -> list[str]:
    rows, sums = dumping.count_now()
    wrong = [
        f"{table}: {rows.get(table, 0)} rows instead of {number}"
        for table, number in made.rows.items()
        if rows.get(table) != number
    ]
    books = [name for name, amount in made.sums.items() if sums.get(name) != amount]
    return wrong + [f"{name} comes to {sums.get(name)}, not {made.sums[name]}" for name in books]


def _bring_pictures(
    pictures: pool.Pictures, secrets: list[Any], media: Storage, verdict: Verdict
) -> None:
    """Those that the place still has; older backups outlive some of their pictures."""
    there = set(pool.names())
    for name in pictures:
        if name not in there:
            continue
        try:
            opened = io.BytesIO()
            sealing.unseal(pool.sealed(name), opened, secrets)
        except Damaged as error:
            verdict.wrong.append(str(error))
            continue
        if not media.exists(name):
            media.save(name, ContentFile(opened.getvalue()))
        verdict.pictures += 1


def _mark_gone(media: Storage) -> int:
    """Rows whose pictures were deleted before they were copied, or let go since."""
    gone: set[int] = set()
    alive = Photo.objects.filter(deleted_at=None)
    for pk, *names in alive.values_list("pk", "master", "thumb").iterator():
        if not all(media.exists(name) for name in names):
            gone.add(pk)
    keys = sorted(gone)
    for first in range(0, len(keys), MOST_AT_ONCE):
        some = alive.filter(pk__in=keys[first : first + MOST_AT_ONCE])
        some.update(deleted_at=timezone.now(), placeholder="", fits={})
    return len(gone)


def _migrations() -> list[str]:
    executor = MigrationExecutor(connection)
    known = set(executor.loader.disk_migrations)
    if set(executor.loader.applied_migrations) - known:
        return ["The rows are of a newer studio than this one: run that version."]
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return ["The rows are of an older studio: run `manage.py migrate`."]
    return []
