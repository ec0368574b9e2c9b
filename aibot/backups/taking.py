"""Taking a backup, looking whether it is whole, and letting old ones go."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from datetime import timedelta as td

from django.conf import settings
from django.db import connection
from django.utils import timezone

from aibot.backups import calendar, dumping, manifest, pool, sealing
from aibot.backups.manifest import STAMP, Manifest
from aibot.backups.place import listed, place
from aibot.backups.problem import BackupError, Damaged
from generation import alerts
from generation.models import Heartbeat

DATABASE, PICTURES = "database.age", "pictures.gz"
LOCK = "backup.lock"
HEARTBEAT = "backup"
UNFINISHED = td(hours=12)
"""As long as a folder without a manifest may be one that another machine is writing."""
FAILED, LATE = "backup:not_taken", "backup:not_taken_lately"


def take() -> Manifest:
    """A backup of now. It is read again before it counts as one, and old ones go after that.

    Raises BackupError; then nothing of it is left, and the owner is told by an alert.
    """
    with _alone():
        stamp = datetime.now(UTC).strftime(STAMP)
        try:
            made = _take(stamp)
        except Exception as error:
            remove(stamp)
            alerts.raise_alert(FAILED, str(error) or type(error).__name__)
            raise
        prune()
    alerts.clear(FAILED, LATE)
    Heartbeat.objects.update_or_create(name=HEARTBEAT, defaults={"beat_at": timezone.now()})
    return made


def _take(stamp: str) -> Manifest:
    begun = time.monotonic()
    made = Manifest(
        stamp, settings.VERSION, connection.vendor, [str(key) for key in sealing.recipients()]
    )
    dump = dumping.dump(made.name(DATABASE))
    pictures = pool.add(_last_pictures())
    pool.write_list(pictures, made.name(PICTURES))
    made.rows, made.sums, made.pictures = dump.rows, dump.sums, len(pictures)
    made.picture_bytes = sum(part.size for part in pictures.values())
    made.parts = {DATABASE: dump.part, PICTURES: sealing.measure(made.name(PICTURES))}
    sealing.check(made.name(DATABASE), dump.part)
    made.seconds = round(time.monotonic() - begun, 1)
    made.save()
    return manifest.load(stamp)


def check(stamp: str) -> Manifest:
    """Every byte of it, pictures too, without the key. Raises Damaged."""
    made = manifest.load(stamp)
    for name, part in made.parts.items():
        sealing.check(made.name(name), part)
    wrong = damaged_pictures(pool.read_list(made.name(PICTURES)))
    if wrong:
        raise Damaged(f"{len(wrong)} pictures of {stamp} are missing or damaged: {wrong[0]}")
    return made


def damaged_pictures(pictures: pool.Pictures) -> list[str]:
    wrong = []
    for name, part in pictures.items():
        try:
            sealing.check(pool.sealed(name), part)
        except Damaged:
            wrong.append(name)
    return wrong


def prune() -> None:
    """Keep 7 days, 4 weeks and 3 months; of pictures, what a backup of those 7 days names."""
    there = manifest.complete()
    keep = calendar.kept(manifest.moment(stamp) for stamp in there)
    for stamp in manifest.stamps():
        unfinished = stamp not in there and datetime.now(UTC) - manifest.moment(stamp) < UNFINISHED
        if manifest.moment(stamp) not in keep and not unfinished:
            remove(stamp)
    recent = [stamp for stamp in there if manifest.moment(stamp) in keep][-calendar.DAILY :]
    with suppress(Damaged):  # one that cannot be read might have named any of them
        pool.clear(name for stamp in recent for name in pool.read_list(f"{stamp}/{PICTURES}"))


def remove(stamp: str) -> None:
    """The manifest first: whatever is left after a death is no backup, and goes with the next."""
    files = listed(stamp)[1]
    for file in sorted(files, key=lambda name: name != manifest.FILE):
        place().delete(f"{stamp}/{file}")


def _last_pictures() -> pool.Pictures:
    """What the newest backup knows of the pool. Where it cannot be read, all is sealed anew."""
    there = manifest.complete()
    try:
        return pool.read_list(f"{there[-1]}/{PICTURES}") if there else {}
    except Damaged:
        return {}


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time on this machine. A dead one holds nothing."""
    with (settings.DATA_DIR / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("Another backup is being taken.") from None
        yield
