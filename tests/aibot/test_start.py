"""What each kind of process reads when it starts: no more than it needs, and that at once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.chaos.stand import ROOT

ENVIRONMENT = os.environ | {"DJANGO_SETTINGS_MODULE": "aibot.settings", "ENV_FILE": "/dev/null"}


def said(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize(
    ("start", "read", "unread"),
    [
        ("import django; django.setup()", "generation.models", "daphne.server"),
        ("import django; django.setup()", "generation.models", "generation.admin"),
        ("import aibot.wsgi", "telegram_integration.api", "daphne.server"),
        ("import aibot.wsgi", "generation.admin", "twisted.internet.reactor"),
    ],
)
def test_a_process_reads_what_it_serves(start: str, read: str, unread: str) -> None:
    asked = f"import sys; print({read!r} in sys.modules, {unread!r} in sys.modules)"
    assert said("-c", f"{start}; {asked}").split() == ["True", "False"]


def test_runserver_serves_sockets_too() -> None:
    assert "--http_timeout" in said("manage.py", "runserver", "--help")
