"""`manage.py seed`: products, prices and providers, as far as they are missing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from billing import catalogue
from generation import routing


class Command(BaseCommand):
    help = "Add products, prices and providers that are missing; change nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        catalogue.seed()
        routing.seed()
