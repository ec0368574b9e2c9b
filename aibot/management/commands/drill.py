"""`manage.py drill`: proves that a backup can be brought back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from aibot.backups import drilling, manifest, taking
from aibot.backups.problem import BackupError


class Command(BaseCommand):
    help = (
        "Restore a backup into a database and a folder of its own, compare counts, books and "
        "pictures, print the time, and remove both. The studio may run meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("which", nargs="?", default="latest", help="`latest`, or a stamp")
        parser.add_argument(
            "--identity", metavar="FILE", type=Path, required=True, help="the secret key"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = taking.check(manifest.chosen(options["which"]))
            seconds = drilling.drill(made.stamp, options["identity"])
        except BackupError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{made.stamp} can be brought back: {seconds:.0f} s.")
