"""`manage.py seed`: products, prices, prompts and providers, as far as they are missing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from billing import catalogue
from generation import prompts, routing


class Command(BaseCommand):
    help = "Add products, prices, prompts and providers that are missing; change nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        catalogue.seed()
        prompts.seed()
        routing.seed()
