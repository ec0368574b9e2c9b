"""Telegram as a process of its own, led by lines of JSON: ``python -m tests.bench.telegram``."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Self

from tests.chaos.stand import ROOT
from tests.vendors.botapi import TOKEN, BotApi


class Telegram:
    """The leader's side. ``settings`` are what the studio has to know of it."""

    def __init__(self, *, enforce_pace: bool) -> None:
        command = [sys.executable, "-m", "tests.bench.telegram", *["paced"][: int(enforce_pace)]]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        self.settings = {
            "TELEGRAM_BOT_TOKEN": TOKEN, "BOT_API_URL": self.ask("url"),
            "TELEGRAM_MODE": "polling", "TELEGRAM_BOT_NAME": "studio_test_bot",
        }  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.process.kill()
        self.process.wait()

    def ask(self, act: str, *arguments: Any) -> Any:
        print(json.dumps([act, *arguments]), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


def people(api: BotApi, first: int, number: int) -> None:
    """They have started the bot already."""
    for who in range(first, first + number):
        api.person(who, language_code="en", started=True)


def say(api: BotApi, text: str, first: int, number: int, times: int) -> float:
    """Everybody says it so often, in turns. Returns the time before the first."""
    begun = api.world.clock()
    for _time in range(times):
        for who in range(first, first + number):
            api.say(who, text)
    return begun


def count(api: BotApi, method: str) -> int:
    return sum(call.method == method for call in list(api.sent))


def calls(api: BotApi) -> list[tuple[Any, ...]]:
    """What was taken: when, what, for how many messages it counts, and what of whom."""
    return [
        (one.at, one.method, one.messages, one.chat_id, one.values.get("message_id"),
         one.values.get("text"))
        for one in api.sent
    ]  # fmt: skip


def refused(api: BotApi) -> list[str]:
    return [f"{one.method} to {one.chat_id}: {one.why}" for one in api.refused]


ACTS = {
    "url": lambda api: api.url, "people": people, "say": say, "count": count, "calls": calls,
    "refused": refused,
}  # fmt: skip


def main() -> None:
    with BotApi(enforce_pace="paced" in sys.argv) as api:
        for line in sys.stdin:
            act, *arguments = json.loads(line)
            print(json.dumps(ACTS[act](api, *arguments)), flush=True)


if __name__ == "__main__":
    main()
