"""`runbot` as a process of its own beside the studio, and questions to the data of both."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.e2e.conftest import START_SECONDS, Studio, running
from tests.vendors.botapi import TOKEN, BotApi, Phone, Seen

STARS = 150
LISTENS = "The bot listens."
SETTINGS = {
    "TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_BOT_NAME": "studio_test_bot", "SUPPORT_CONTACT": "@help",
}  # fmt: skip
ASKED = """
import base64, json, sys
from billing import ledger, payments
from billing.audit import findings
from billing.models import *
from generation import photos, studio
from generation.models import *
from telegram_integration.models import *

def person(telegram_id):
    return User.objects.get(telegram_id=telegram_id)

def picture(**which):
    return base64.b64encode(photos.read(Photo.objects.filter(**which).latest("pk"))).decode()

for line in sys.stdin:
    try:
        answer = {"is": eval(json.loads(line))}
    except Exception as error:
        answer = {"raised": repr(error)}
    print(json.dumps(answer, default=str), flush=True)
"""


class Books:
    """Asks the studio's own data, in a process that stays: each question takes milliseconds."""

    def __init__(self, studio: Studio) -> None:
        self.process = subprocess.Popen(
            studio.shell(ASKED), env=studio.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def ask(self, question: str) -> Any:
        """What an expression over the models comes to, as JSON."""
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "is" in answer, f"{question}: {answer}"
        return answer["is"]

    def credits(self, telegram_id: int) -> int:
        return self.ask(f"ledger.balance(person({telegram_id}).pk).credit")

    def picture(self, which: str) -> bytes:
        """The newest such picture, as the studio stores it."""
        return base64.b64decode(self.ask(f"picture({which})"))

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=15)


class Bot:
    """`runbot`, which can be ended and started again. What it logged is in ``log``."""

    def __init__(self, studio: Studio, api: BotApi, log: Path) -> None:
        self.studio, self.api, self.log = studio, api, log
        self.books = Books(studio)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.end()
        self.books.close()

    def start(self, **settings: str) -> None:
        """Returns once it listens to signals; it may have to wait for Telegram."""
        environment = self.studio.environment | {"TELEGRAM_MODE": "polling"} | settings
        times = self._said_that_it_listens()
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.studio.manage("runbot"), env=environment | {"PYTHONUNBUFFERED": "1"},
                stdout=log, stderr=log,
            )  # fmt: skip
        self.api.wait_for(lambda: self._said_that_it_listens() > times, START_SECONDS)

    def _said_that_it_listens(self) -> int:
        return self.log.read_text().count(LISTENS) if self.log.exists() else 0

    def end(self) -> None:
        """SIGTERM, at which it ends with success."""
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0, self.log.read_text()

    def phone(self, user: int, name: str = "Ann", language: str = "en") -> Phone:
        """Of somebody who has begun to talk with the bot."""
        phone = self.stranger(user, name, language)
        self.api.start(user)
        phone.read(name)
        return phone

    def stranger(self, user: int, name: str = "Ann", language: str = "en") -> Phone:
        """Of somebody who has not."""
        self.api.person(user, first_name=name, language_code=language)
        return Phone(self.api, user)

    def pack(self, phone: Phone) -> Seen:
        """The invoice for 100 credits."""
        shop = phone.read("Choose what to buy", phone.say("/buy"))
        phone.press(shop, "100 credits")
        return phone.see(lambda one: "invoice" in one.raw, shop)


@contextmanager
def serving(folder: Path, api: BotApi) -> Iterator[Bot]:
    """A studio with a bot beside it, and packs on sale for Stars."""
    settings = SETTINGS | {"BOT_API_URL": api.url, "TELEGRAM_MODE": "off"}
    with running(folder, **settings) as studio, Bot(studio, api, folder / "bot.log") as bot:
        bot.books.ask(f"Product.objects.filter(sort='pack').update(stars={STARS})")
        yield bot
        assert bot.books.ask("list(findings())") == []
    assert api.offences == []
