"""Whether every process does its work, and nothing waits for too long: what the alerts watch."""

from __future__ import annotations

from collections.abc import Iterator

from aibot.doctor.base import Finding, in_production
from generation import alerts
from generation.models import Alert, Heartbeat
from telegram_integration import watching


def alive() -> Iterator[Finding]:
    """A clone that has not been started is not ill."""
    if not in_production() and not Heartbeat.objects.exists():
        return
    for see in watching.LOOKS:
        for key, wrong in see():
            if wrong:
                yield Finding(
                    f"{key}: {wrong}.",
                    "Something that people wait for does not happen, or does not agree.",
                    str(alerts.fix(Alert(key=key))),
                )
