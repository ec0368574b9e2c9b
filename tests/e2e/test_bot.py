"""The whole studio with its bot, before a Bot API that enforces Telegram's rules."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Studio, running
from tests.e2e.walking import PHOTOS
from tests.vendors.botapi import TOKEN, BotApi, Phone

ANN = 5001
WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def telegram() -> Iterator[BotApi]:
    with BotApi(enforce_pace=True) as api:
        yield api


@pytest.fixture(scope="module")
def bot(telegram: BotApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    settings = {
        "TELEGRAM_BOT_TOKEN": TOKEN, "BOT_API_URL": telegram.url, "TELEGRAM_MODE": "polling",
        "TELEGRAM_BOT_NAME": "studio_test_bot", "SUPPORT_CONTACT": "@help",
    }  # fmt: skip
    with running(tmp_path_factory.mktemp("bot"), **settings) as studio:
        yield studio
    assert telegram.offences == []


@pytest.fixture
def ann(telegram: BotApi, bot: Studio) -> Phone:
    telegram.person(ANN, first_name="Ann", language_code="en")
    telegram.start(ANN)
    phone = Phone(telegram, ANN)
    phone.read("Hello, Ann.")
    return phone


def stored(bot: Studio, code: str) -> bytes:
    """A picture as the studio keeps it."""
    ask = f"from generation.models import *; from generation import photos; import sys; " \
          f"sys.stdout.buffer.write(photos.read(Photo.objects.get({code})))"  # fmt: skip
    return subprocess.run(
        bot.shell(ask), env=bot.environment, capture_output=True, check=True, timeout=60
    ).stdout


def ask(bot: Studio, question: str) -> Any:
    """What the database says, as JSON."""
    code = f"import json; from billing import ledger; from billing.models import *; " \
           f"from generation.models import *; from telegram_integration.models import *; " \
           f"print(json.dumps({question}))"  # fmt: skip
    done = subprocess.run(
        bot.shell(code), env=bot.environment, capture_output=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


def credits(bot: Studio, user: int) -> int:
    return ask(bot, f"ledger.balance(User.objects.get(telegram_id={user}).pk).credit")


def test_a_try_on_an_edit_and_the_assistant_in_one_conversation(
    ann: Phone, bot: Studio, telegram: BotApi
) -> None:
    telegram.send_photo(ANN, (PHOTOS / "astronaut.png").read_bytes())
    ann.press(ann.read("What shall I do with it?"), "Try something on")
    ann.read("Now send a photo of what to try on")
    telegram.send_photo(ANN, (PHOTOS / "shirt.png").read_bytes())
    ann.press(ann.read("What is it?"), "Clothes · 2 credits")
    worn = ann.picture(1)
    assert worn.caption == "Try-on · 2 credits. You have 3 credits."
    assert worn.photo == stored(bot, "job__tool='tryon'")
    telegram.say(ANN, "brighter", reply_to=worn)
    edited = ann.picture(2)
    assert edited.photo == stored(bot, "job__tool='edit'")
    telegram.send_photo(ANN, (PHOTOS / "grace_hopper.jpg").read_bytes())
    ann.press(ann.read("What shall I do with it?"), "Ask the assistant")
    telegram.say(ANN, "make it warmer")
    proposals = ann.see(lambda one: "1. Short" in one.labels)
    ann.press(proposals, "1. Short")
    ann.picture(3)
    assert credits(bot, ANN) == 0


def test_the_bot_shows_what_it_can_do_in_both_languages(bot: Studio, telegram: BotApi) -> None:
    commands = telegram.profile.commands
    assert len(commands) >= 2
    with urllib.request.urlopen(f"{bot.address}/health", timeout=5) as answer:
        assert json.load(answer)["bot"] == "connected"


def test_a_second_bot_is_refused(bot: Studio) -> None:
    again = subprocess.run(
        bot.manage("runbot"), env=bot.environment, capture_output=True, text=True, timeout=90
    )
    assert again.returncode != 0
    assert "Another process serves this bot already" in again.stderr
