"""`manage.py backup`: take one, look at those there are, or make the keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from aibot.backups import manifest, sealing, taking
from aibot.backups.problem import BackupError


class Command(BaseCommand):
    help = (
        "Back up rows and pictures into BACKUP_DIR, sealed for BACKUP_KEY, and let old backups "
        "go: 7 days, 4 weeks and 3 months are kept. Restore with `manage.py restore`."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--new-key", metavar="FILE", type=Path,
            help="make a pair of keys: the secret one goes into FILE, which belongs on another "
            "machine; the public one is printed, for BACKUP_KEY",
        )  # fmt: skip
        what.add_argument("--list", action="store_true", help="which backups there are")
        what.add_argument(
            "--check", metavar="WHICH", help="`latest` or a stamp: read every byte, without a key"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["new_key"]:
                self._new_key(options["new_key"])
            elif options["list"]:
                self._list()
            elif options["check"]:
                self._tell("whole", taking.check(manifest.chosen(options["check"])))
            else:
                self._tell("taken", taking.take())
        except BackupError as error:
            raise CommandError(str(error)) from None

    def _new_key(self, path: Path) -> None:
        secret, public = sealing.new_pair()
        try:
            with path.open("x") as file:
                path.chmod(0o600)
                file.write(f"# opens the backups of BACKUP_KEY={public}\n{secret}\n")
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
        self.stdout.write(f"BACKUP_KEY={public}")
        self.stderr.write(f"Move {path} to where the server is not: without it nothing opens.")

    def _list(self) -> None:
        for stamp in manifest.complete():
            try:
                self._tell("", manifest.load(stamp))
            except BackupError as error:
                self.stdout.write(f"{stamp}  {error}")

    def _tell(self, what: str, made: manifest.Manifest) -> None:
        size = sum(part.size for part in made.parts.values()) / 1e6
        self.stdout.write(
            f"{made.stamp}  {sum(made.rows.values())} rows in {size:.1f} MB, {made.pictures} files "
            f"of pictures in {made.picture_bytes / 1e6:.1f} MB, {made.seconds:.0f} s  {what}"
        )
