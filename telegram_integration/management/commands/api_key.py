"""`manage.py api_key <username>`: makes a key for a REST client and prints it once."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing import ledger
from telegram_integration.models import ApiKey, User


class Command(BaseCommand):
    help = "Make an API key for a user and print it. It cannot be shown again."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="command line")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']}.")
        ledger.open_account(user.pk)
        _row, text = ApiKey.make(user, options["name"])
        self.stdout.write(text)
