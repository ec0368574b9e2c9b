"""The bot: `manage.py runbot`. Ends politely at SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from telegram.error import InvalidToken

from telegram_integration import process


class Command(BaseCommand):
    help = "Listens to Telegram, answers people and sends what there is to say."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if not settings.TELEGRAM_BOT_TOKEN:
            raise CommandError("Set TELEGRAM_BOT_TOKEN: @BotFather gives you one.")
        try:
            asyncio.run(self._serve())
        except process.AlreadyRuns:
            raise CommandError("Another process serves this bot already.") from None
        except InvalidToken:
            raise CommandError("Telegram does not know this token: check it.") from None

    async def _serve(self) -> None:
        stop = asyncio.Event()
        for ending in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(ending, stop.set)
        self.stdout.write("The bot listens.")
        await process.run(stop)
