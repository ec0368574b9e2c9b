"""Does the studio come back from the dead? ``python -m tests.bench.drill [jobs]``.

A million jobs, each charged once, and pictures for some; backed up, destroyed to the last row and
file, restored and audited. What comes back must be what was there: rows, books, bytes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.report import Figure
from tests.chaos.stand import ROOT, Stand, admin_url

JOBS = 1_000_000
JOBS_OF_ONE = 100
PICTURES = 2_000
PICTURE_BYTES = 60_000
AIM_SECONDS = 300
COUNTED = """SELECT (SELECT count(*) FROM generation_job), (SELECT count(*) FROM billing_entry),
    (SELECT sum(delta) FROM billing_entry), (SELECT sum(remaining) FROM billing_lot),
    (SELECT count(*) FROM generation_photo WHERE deleted_at IS NULL)"""


def main(jobs: int = JOBS) -> Figure:
    with Stand("drill", DJANGO_SETTINGS_MODULE="aibot.settings") as stand:
        stand.environment["BACKUP_DIR"] = str(stand.folder / "backups")
        run(stand, "-m", "tests.bench.drill", "prepare", str(jobs))
        run(stand, "manage.py", "audit_ledger")
        had, files = stand.rows(COUNTED), digests(stand)
        taken, size = back_up(stand)
        destroy(stand)
        begun = time.perf_counter()
        said = restore(stand)
        restored = time.perf_counter() - begun
        assert stand.rows(COUNTED) == had, "not the rows that were there"
        assert digests(stand) == files, "not the pictures that were there"
    number, entries = had[0][:2]
    figure = Figure(
        "drill", f"restored and audited in {restored:.0f} s", f"the backup took {taken:.0f} s",
        restored / taken, f"<= {AIM_SECONDS}", restored,
        f"{number} jobs, {entries} entries, {len(files)} files, {size / 1e6:.0f} MB; {said}",
    )  # fmt: skip
    figure.tell()
    return figure


def run(stand: Stand, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=stand.environment, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def back_up(stand: Stand) -> tuple[float, int]:
    """Seconds that it took, and the bytes that lie there."""
    key = run(stand, "manage.py", "backup", f"--new-key={stand.folder / 'key.txt'}")
    stand.environment["BACKUP_KEY"] = key.strip().removeprefix("BACKUP_KEY=")
    begun = time.perf_counter()
    run(stand, "manage.py", "backup")
    taken = time.perf_counter() - begun
    there = Path(stand.environment["BACKUP_DIR"]).rglob("*")
    return taken, sum(path.stat().st_size for path in there if path.is_file())


def destroy(stand: Stand) -> None:
    """A new server with nothing on it but the backup and the key."""
    stand._admin(f'DROP DATABASE "{stand.database}" WITH (FORCE)')
    stand._admin(f'CREATE DATABASE "{stand.database}"')
    shutil.rmtree(stand.folder / "media")


def restore(stand: Stand) -> str:
    """What it said at each step, and at last that the books balance, or it would have failed."""
    identity = f"--identity={stand.folder / 'key.txt'}"
    return " ".join(run(stand, "manage.py", "restore", "latest", identity).splitlines())


def digests(stand: Stand) -> dict[str, str]:
    media = stand.folder / "media"
    return {
        str(path.relative_to(media)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(media.rglob("*"))
        if path.is_file()
    }


# ── inside the studio's environment ───────────────────────────────────────────────────────────


def prepare(jobs: int) -> None:
    """One of each kind by the studio's own code, and then copies of those rows by the database."""
    from django.db import connection

    first = begin()
    with connection.cursor() as cursor:
        copy_people(cursor, first, jobs // JOBS_OF_ONE)
        copy_jobs(cursor, first, jobs)
        cursor.execute("ANALYZE")
    draw_pictures(first, min(PICTURES, jobs // 10))


def begin():
    """Somebody with credits and a picture that was paid with one."""
    from billing import ledger
    from billing.models import Kind
    from generation import studio, worker
    from generation.models import Job
    from telegram_integration.models import User

    account = ledger.open_account(User.objects.create_user("first").pk)
    ledger.grant(account, Kind.CREDIT, JOBS_OF_ONE, key="drill:first", source="grant")
    job = studio.imagine(account.user_id, prompt="a fox in the snow")
    worker.work()
    assert Job.objects.get(pk=job.pk).state == "done"
    return Job.objects.get(pk=job.pk)


def copy_people(cursor, first, number: int) -> None:
    """Each with credits for their jobs, which are spent to the last one."""
    from billing.models import Account, Entry, Lot
    from telegram_integration.models import User

    many = f"generate_series(1, {number}) n"
    copy(cursor, User, many, f"id = {first.owner_id}", username="'drill' || n")
    copy(cursor, Account, f"telegram_integration_user u JOIN {many} ON u.username = 'drill' || n",
         f"t.user_id = {first.owner_id}", user_id="u.id", invite_code="'d' || n")  # fmt: skip
    theirs = f"""billing_account a JOIN telegram_integration_user u ON u.id = a.user_id
                 JOIN {many} ON u.username = 'drill' || n"""
    copy(cursor, Lot, theirs, "t.key = 'drill:first'", account_id="a.id", remaining="0",
         key="'drill:' || n")  # fmt: skip
    copy(cursor, Entry, f"{many} JOIN billing_lot l ON l.key = 'drill:' || n",
         "t.delta > 0 AND t.lot_id = (SELECT id FROM billing_lot WHERE key = 'drill:first')",
         lot_id="l.id", key="'lot:' || l.id || ':grant'")  # fmt: skip


def copy_jobs(cursor, first, number: int) -> None:
    from billing.models import Entry
    from generation.models import Job

    code = "md5('job' || n)::uuid"
    many = f"generate_series(1, {number}) n JOIN telegram_integration_user u ON u.username = "
    many += f"'drill' || ((n - 1) / {JOBS_OF_ONE} + 1)"
    copy(cursor, Job, many, f"t.id = {first.pk}", owner_id="u.id", code=code)
    lots = f"generate_series(1, {number}) n JOIN billing_lot l ON l.key = "
    lots += f"'drill:' || ((n - 1) / {JOBS_OF_ONE} + 1)"
    copy(cursor, Entry, lots, f"t.key = '{first.charge_key}'", lot_id="l.id",
         key=f"'job:' || {code} || ':charge'")  # fmt: skip


def copy(cursor, model, many: str, which: str, **others: str) -> None:
    """The row of which ``which`` is true, once for each of ``many``, but for some columns."""
    columns = [field.column for field in model._meta.concrete_fields if not field.primary_key]
    values = [others.get(column, f't."{column}"') for column in columns]
    names = ", ".join(f'"{column}"' for column in columns)
    cursor.execute(
        f"INSERT INTO {model._meta.db_table} ({names}) SELECT {', '.join(values)} "
        f"FROM {model._meta.db_table} t CROSS JOIN {many} WHERE {which}"
    )


def draw_pictures(first, number: int) -> None:
    """Bytes that no compression makes smaller, as pictures are."""
    from django.conf import settings

    from generation.models import Job, Photo

    photo = first.results.get()
    fields = [field.attname for field in Photo._meta.concrete_fields if not field.primary_key]
    jobs = Job.objects.exclude(pk=first.pk).order_by("pk")[:number]
    made = []
    for job in jobs:
        names = {kind: f"{job.code.hex[:2]}/{job.code.hex}{kind[:1]}.jpg" for kind in KINDS}
        for kind, name in names.items():
            path = Path(settings.MEDIA_ROOT) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(PICTURE_BYTES // KINDS[kind]))
        photo.pk, photo.code, photo.job, photo.owner_id = None, job.code, job, job.owner_id
        made.append(Photo(**{name: getattr(photo, name) for name in fields} | names))
    Photo.objects.bulk_create(made, batch_size=1000)


KINDS = {"master": 1, "thumb": 10}


if __name__ == "__main__":
    if sys.argv[1:2] == ["prepare"]:
        import django

        django.setup()
        prepare(int(sys.argv[2]))
    else:
        print(f"on {admin_url().rpartition('@')[2]}")
        main(*map(int, sys.argv[1:]))
