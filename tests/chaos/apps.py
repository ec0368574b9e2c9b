"""What the processes of a stand have that the studio has not."""

from __future__ import annotations

from django.apps import AppConfig


class Scripted(AppConfig):
    """A provider that obeys a script."""

    name = "tests.chaos"
    label = "chaos"

    def ready(self) -> None:
        from generation.providers import PROVIDERS
        from tests.chaos.provider import Provider

        scripted = Provider()
        PROVIDERS["scripted"] = lambda _config: scripted


class Matrix(AppConfig):
    """No breaker: with a vendor that fails in every way at once, no cell would reach it."""

    name = "tests.chaos"
    label = "chaos"

    def ready(self) -> None:
        from generation import routing

        routing.is_resting = lambda name: False
