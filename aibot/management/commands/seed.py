"""`manage.py seed`: products, prices and prompts, as far as they are missing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from billing import catalogue
from generation import prompts


class Command(BaseCommand):
    help = "Add products, prices and prompts that are missing. Changes nothing that is there."

    def handle(self, *args: Any, **options: Any) -> None:
        catalogue.seed()
        prompts.seed()
