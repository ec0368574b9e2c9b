"""Open pages: each has a socket and does what `static/js/live.js` does when it breaks.

After 1012 it goes elsewhere within half a second, after anything else with growing pauses; once
connected it hears what is open and what has just ended, and asks for the rest of what it watches.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.deploy.load import Load, Person

FINAL = ("done", "failed", "cancelled")
SERVICE_RESTART = 1012
ENDED_SECONDS = 90
TOLD_SECONDS = 1


class Tab:
    """``gaps``: for each time the socket broke, with which code and for how many seconds, until the
    page was told again how its jobs stand."""

    def __init__(self, load: Load, person: Person) -> None:
        self.load, self.person = load, person
        self.jobs: dict[str, dict[str, Any]] = {}
        self.knew_the_end_at: dict[str, float] = {}
        self.gaps: list[tuple[int, float]] = []
        self.backwards = 0
        self.untold: set[str] = set()
        self.lost: tuple[int, float] | None = None
        self.is_open = asyncio.Event()
        person.tabs.append(self)

    async def live(self) -> None:
        code, failures = 0, 0
        while not self.load.over.is_set():
            try:
                async with self._connected() as socket:
                    self.untold = self._open_jobs()
                    listening = asyncio.ensure_future(self._listen(socket))
                    failures = 0
                    self.is_open.set()
                    await asyncio.wait({listening}, timeout=TOLD_SECONDS)
                    await self._ask()
                    self._is_back()
                    code = await listening
            except (OSError, WebSocketException):
                code = self.lost[0] if self.lost else 1006
            failures += 1
            self.lost = self.lost or (code, time.monotonic())
            await asyncio.sleep(pause_after(code, failures))

    def _connected(self) -> connect:
        return connect(
            f"wss://localhost:{self.load.port}/ws/me/", host="127.0.0.1", ssl=self.load.trust,
            additional_headers=self.load.headers(self.person), proxy=None, open_timeout=10,
            ping_interval=None,  # no browser does; the server asks
        )  # fmt: skip

    async def _listen(self, socket: Any) -> int:
        """Until it breaks: with which code."""
        ending = asyncio.ensure_future(self.load.over.wait())
        try:
            while not self.load.over.is_set():
                hearing = asyncio.ensure_future(socket.recv())
                await asyncio.wait({hearing, ending}, return_when=asyncio.FIRST_COMPLETED)
                if not hearing.done():
                    hearing.cancel()
                    return 1000
                self.hear(json.loads(hearing.result()))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        finally:
            ending.cancel()
        return 1000

    def _open_jobs(self) -> set[str]:
        return {code for code, job in self.jobs.items() if job["state"] not in FINAL}

    async def _ask(self) -> None:
        for code in self.untold & self._open_jobs():
            said = await self.load.ask("GET", f"/api/v1/jobs/{code}/", "after a gap", self.person)
            if said:
                self.hear(said.json())

    def _is_back(self) -> None:
        if self.lost:
            self.gaps.append((self.lost[0], time.monotonic() - self.lost[1]))
            self.lost = None

    def hear(self, job: dict[str, Any]) -> None:
        self._is_back()
        self.untold.discard(job["code"])
        known = self.jobs.get(job["code"])
        if known and job["version"] < known["version"]:
            return
        if known and known["state"] in FINAL and job["state"] not in FINAL:
            self.backwards += 1
        self.jobs[job["code"]] = job
        if job["state"] in FINAL:
            self.knew_the_end_at.setdefault(job["code"], time.time())
            self.person.ended.set()
            if job["results"]:
                self.person.picture = job["results"][0]["url"]


def pause_after(code: int, failures: int) -> float:
    """`pauseAfter` of live.js, in seconds."""
    if code == SERVICE_RESTART and failures == 1:
        return 0.5 * random.random()
    return min(30, 0.5 * 2**failures) * (0.5 + random.random())


async def keep_a_job_running(load: Load, person: Person) -> None:
    """As soon as one has ended, as a tab shows it, the next is asked for."""
    while not load.enough.is_set():
        said = await load.ask(
            "POST", "/api/v1/jobs/", "new job", person,
            json={"tool": "imagine", "prompt": "a sea"},
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )  # fmt: skip
        if not said:
            await asyncio.sleep(1)
            continue
        person.job = said.json()["code"]
        person.submitted.append(person.job)
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDED_SECONDS):
                await _until_ended(person)


async def _until_ended(person: Person) -> None:
    while not any(person.job in tab.knew_the_end_at for tab in person.tabs):
        person.ended.clear()
        await person.ended.wait()
