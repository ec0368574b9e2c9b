"""Makes the scripted provider known to every process that runs with these settings."""

from __future__ import annotations

from django.apps import AppConfig


class Scripted(AppConfig):
    name = "tests.chaos"
    label = "chaos"

    def ready(self) -> None:
        from generation.providers import PROVIDERS
        from tests.chaos.provider import Provider

        scripted = Provider()
        PROVIDERS["scripted"] = lambda _config: scripted
