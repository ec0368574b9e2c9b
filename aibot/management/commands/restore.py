"""`manage.py restore`: bring a backup back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management.base import BaseCommand, CommandError, CommandParser

from aibot.backups import drilling, manifest, restoring, sealing
from aibot.backups.problem import BackupError


class Command(BaseCommand):
    help = (
        "Bring rows and pictures back from BACKUP_DIR, then compare counts and books. Stop the "
        "studio before, and run docker/postgres-role.sql after where you use it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("which", help="`latest`, or a stamp of `manage.py backup --list`")
        parser.add_argument(
            "--identity", metavar="FILE", type=Path, required=True, help="the secret key"
        )
        parser.add_argument(
            "--replace", action="store_true", help="though the database is not empty: it is lost"
        )
        parser.add_argument(
            "--database", metavar="URL", help="into this database instead of DATABASE_URL"
        )
        parser.add_argument(
            "--data", metavar="DIR", type=Path, help="with a folder of its own instead of DATA_DIR"
        )
        parser.add_argument("--media", metavar="DIR", type=Path, help="pictures into this folder")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            stamp = manifest.chosen(options["which"])
            if options["database"] or options["data"]:
                return _elsewhere(stamp, options)
            self._here(stamp, options)
        except BackupError as error:
            raise CommandError(str(error)) from None

    def _here(self, stamp: str, options: dict[str, Any]) -> None:
        media = options["media"]
        verdict = restoring.restore(
            stamp,
            sealing.identities(options["identity"]),
            media=FileSystemStorage(location=media) if media else default_storage,
            replace=options["replace"],
            say=self.stdout.write,
        )
        self.stdout.write(
            f"{stamp} is back after {verdict.seconds:.0f} s: {verdict.pictures} files of pictures, "
            f"{verdict.gone} photos that were gone are marked so."
        )
        for line in verdict.to_do:
            self.stdout.write(line)
        for line in verdict.wrong:
            self.stderr.write(line)
        if verdict.wrong:
            raise CommandError(f"{len(verdict.wrong)} things are not as they were: see above.")
        if not verdict.to_do:
            self.stdout.write("Every row is there, and the books balance.")


def _elsewhere(stamp: str, options: dict[str, Any]) -> None:
    if not (options["database"] and options["data"]):
        raise BackupError("--database and --data go together: rows and pictures belong together.")
    options["data"].mkdir(parents=True, exist_ok=True)
    code = drilling.restore_elsewhere(
        stamp, options["identity"], database_url=options["database"], data=options["data"],
        flags=("--replace",) if options["replace"] else (),
    )  # fmt: skip
    if code:
        raise BackupError("It is not restored: see above.")
