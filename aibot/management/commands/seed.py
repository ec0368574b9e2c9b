"""`manage.py seed`: products, prices and providers, as far as they are missing.

With `--migrate` the schema comes first, in the same process: starting another one takes seconds in
which a deploy makes everybody wait.
"""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from billing import catalogue
from generation import routing


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # `doctor` makes them, and reads every view for it
    help = "Add products, prices and providers that are missing; change nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--migrate", action="store_true", help="bring the schema up to date first"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["migrate"]:
            call_command("migrate", interactive=False, verbosity=options["verbosity"])
        catalogue.seed()
        routing.seed()
