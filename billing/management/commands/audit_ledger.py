"""`manage.py audit_ledger`: proves that the books add up. Exits 1 where they do not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing import audit


class Command(BaseCommand):
    help = "Prove that lots equal their entries, and jobs, payments and gifts their lots."

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = audit.look().findings
        for line in wrong:
            self.stderr.write(line)
        if wrong:
            raise CommandError(f"The books do not balance: {len(wrong)} findings.")
        self.stdout.write("The books balance.")
