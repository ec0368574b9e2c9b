"""`manage.py studio`: the whole studio in one process, for a clone."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils.crypto import salted_hmac

from aibot import studio

STAFF = "staff"


class Command(BaseCommand):
    help = "Pages, API, sockets, worker and clock behind one command."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        call_command("seed")
        if settings.DEBUG:
            _make_staff()
        self.stdout.write(_greeting())
        studio.run(settings.HOST, settings.PORT)


def _password() -> str:
    """The same at every start, another for every clone: it hangs on the secret key."""
    return salted_hmac("aibot.demo-staff", settings.SECRET_KEY).hexdigest()[:12]


def _make_staff() -> None:
    """The demo's staff, once; whoever changes that password keeps it."""
    people = get_user_model().objects
    if not people.filter(username=STAFF).exists():
        people.create_superuser(STAFF, password=_password())


def _greeting() -> str:
    address = f"http://{settings.HOST}:{settings.PORT}"
    lines = [f"AI picture studio {settings.VERSION}", f"  open      {address}"]
    if settings.DEBUG:
        lines.append(f"  staff     {address}/admin/  {STAFF} / {_password()}")
    lines += [f"  not set   {line}" for line in _not_configured()]
    return "\n".join(lines)


def _not_configured() -> list[str]:
    missing = {
        "TELEGRAM_BOT_TOKEN": "Telegram sign-in is off, guests sign in with one button",
        "DATABASE_URL": f"SQLite in {settings.DATA_DIR}",
        "REDIS_URL": "queue and sockets live in this process",
    }
    return [f"{name}: {what}" for name, what in missing.items() if not os.environ.get(name)]
