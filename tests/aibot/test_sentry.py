"""Sentry hears of what breaks in each process, and of no secret and no person."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aibot import sentry
from billing import tracing
from tests.vendors.stub import Answer, Request, Stub

ROOT = Path(__file__).parents[2]
SECRET = "hunter2-correct-horse-battery"
TOKEN = "123456789:AAEhBP0av28hX0hvFz4mJ6xQ9vY1kRm3abc"
PAGE, TASK, BOT = '"type": "django"', '"type": "celery"', "update 5 could not be answered"
KEY = "0123456789abcdef0123456789abcdef"


class Sentry(Stub):
    """What is sent to a project, as envelopes come over HTTP."""

    def answer(self, request: Request) -> Answer:
        return Answer(200, {"id": "1"})

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = (line for body in self.bodies for line in body.splitlines() if line)
        return [one for one in map(json.loads, lines) if "event_id" in one and "level" in one]

    @property
    def bodies(self) -> list[bytes]:
        packed = [one for one in self.asked if one.path == "/api/7/envelope/"]
        return [gzip.decompress(one.body) if one.headers.get("content-encoding") == "gzip"
                else one.body for one in packed]  # fmt: skip


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentry]:
    with Sentry() as vendor:
        env = {
            "PATH": os.environ["PATH"], "ENV_FILE": "/dev/null", "PYTHONPATH": str(ROOT),
            "DATA_DIR": str(tmp_path_factory.mktemp("broken")), "DEBUG": "false",
            "SECRET_KEY": SECRET, "DJANGO_SETTINGS_MODULE": "aibot.settings",
            "SENTRY_DSN": vendor.url.replace("://", f"://{KEY}@") + "/7",
            "COMMIT": "feedc0ffee5" * 3, "TELEGRAM_BOT_TOKEN": TOKEN,
            "SITE_URL": "http://testserver",
        }  # fmt: skip
        code = [sys.executable, "tests/aibot/breaking.py", SECRET]
        done = subprocess.run(code, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield vendor


def about(vendor: Sentry, what: str) -> dict[str, Any]:
    found = [one for one in vendor.events if what in json.dumps(one)]
    assert len(found) == 1, [one.get("transaction") for one in vendor.events]
    return found[0]


def test_a_page_a_task_and_the_bot_are_heard_of_once(heard: Sentry) -> None:
    assert len(heard.events) == 3
    for what in (PAGE, TASK, BOT):
        said = about(heard, what)["exception"]["values"][-1]
        assert said["type"] == "ValueError"
        assert said["stacktrace"]["frames"][-1]["function"] == "fail"


def test_nothing_that_was_planted_is_told(heard: Sentry) -> None:
    told = b"".join(heard.bodies).decode()
    assert "it broke" in told
    planted = (SECRET, "ann@example.com", TOKEN.partition(":")[2], "777000111", "Ann",
               "sessionid", "203.0.113.77")  # fmt: skip
    assert [one for one in planted if one in told] == []


def test_an_event_says_which_release_request_and_person(heard: Sentry) -> None:
    page = about(heard, PAGE)
    assert page["release"] == "0.1.0+feedc0ffee5f"
    assert page["environment"] == "production"
    assert len(page["tags"]["request"]) == 32
    assert re.fullmatch("[0-9a-f]{12}", page["tags"]["person"])
    assert page["user"] == {"id": page["tags"]["person"]}
    assert page["request"] == {"method": "POST", "url": "http://testserver/break/"}
    assert about(heard, BOT)["tags"]["update"] == "5"


def test_whom_it_is_about_is_a_pseudonym() -> None:
    with tracing.about(person_id=7, job="j1"):
        event = sentry.scrubbed({"user": {"email": "a@b.example"}, "tags": {"a": "b"}}, {})
    assert event["user"] == {"id": tracing.pseudonym(7)}
    assert event["tags"] == {"a": "b", "job": "j1", "person": tracing.pseudonym(7)}


def test_without_an_address_nothing_is_sent() -> None:
    import sentry_sdk

    assert not sentry_sdk.is_initialized()
