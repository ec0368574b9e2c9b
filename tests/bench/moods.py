"""Vendors over HTTP that take their time, one of them with moods, one that makes one wait."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from itertools import pairwise
from typing import Any

from tests.vendors import kie, openai, openrouter
from tests.vendors.stub import RESET, Answer, Behaviour, Request, Stub

WORK_SECONDS = 0.5
LONGEST_HANG = 240
POLL_SECONDS = 1
WELL, HANGS, FAILS, FAILS_SOMETIMES = "well", "hangs", "fails 100 %", "fails 30 %"
SHARES = {FAILS: 1.0, FAILS_SOMETIMES: 0.3}


class Worker(Stub):
    """Works on one request as long as on any other, and is moody at orders only."""

    def __init__(self) -> None:
        super().__init__()
        self.mood = WELL
        self.released = threading.Event()
        self.random = random.Random(1)
        self.one_at_a_time = threading.Lock()

    def react(self, request: Request) -> Behaviour:
        if request.method == "POST":
            if self.mood == HANGS:
                self.released.wait(LONGEST_HANG)
                return RESET
            time.sleep(WORK_SECONDS)
            if self.random.random() < SHARES.get(self.mood, 0):
                return Answer(503, {"error": {"message": "overloaded", "code": 503}})
        with self.one_at_a_time:
            return super().react(request)

    def cheer_up(self) -> None:
        self.mood = WELL
        self.released.set()
        self.released = threading.Event()


class OpenAI(Worker, openai.OpenAIStub):
    """For pictures from words: the one that is disturbed."""


class OpenRouter(Worker, openrouter.OpenRouterStub):
    """For edits."""


class Kie(kie.KieStub):
    """For try-ons: is asked again each POLL_SECONDS, and notes when it really was."""

    def __init__(self) -> None:
        super().__init__()
        self.states = ["generating", "success"]
        self.checks: dict[str, list[float]] = defaultdict(list)
        self.one_at_a_time = threading.Lock()

    def react(self, request: Request) -> Behaviour:
        if request.path == kie.RECORD:
            self.checks[request.query["taskId"]].append(time.monotonic())
        with self.one_at_a_time:
            return super().react(request)

    def lateness(self) -> list[float]:
        """Seconds by which checks came later than POLL_SECONDS after the one before."""
        rounds = [pairwise(times) for times in self.checks.values()]
        return [later - sooner - POLL_SECONDS for pairs in rounds for sooner, later in pairs]


def routes(words: OpenAI, edits: OpenRouter, try_ons: Kie) -> dict[str, dict[str, Any]]:
    """As ``tests.chaos.make_vendors`` wants them."""
    return {
        "imagine": {"name": "openai", "base_url": f"{words.url}/v1"},
        "edit": {"name": "openrouter", "base_url": f"{edits.url}/api/v1"},
        "tryon": {
            "name": "kie", "base_url": try_ons.url,
            "options": {"hosts": [try_ons.url], "upload_url": try_ons.url,
                        "poll_seconds": POLL_SECONDS},
        },
    }  # fmt: skip
