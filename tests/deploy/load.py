"""People at a studio that is being deployed: requests at a steady rate, each counted and judged.

Half of them come on kept connections, as from a browser, half on fresh ones. Requests are sent when
their time has come, however long others take. Whatever is not the answer that was due is a failure.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import ssl
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2

TIMEOUT_SECONDS = 15
GONE = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)
MIX = {"static": 18, "picture": 12, "page": 8, "me": 5, "job": 5, "jobs": 1, "health": 1}
"""Of 50: a page brings its files and a few pictures; how a job stands its socket tells."""
PAGES = ("/sign-in/", "/terms/", "/help/")


@dataclass
class Person:
    """One API key, the newest job, and the newest picture that was shown."""

    key: str
    tabs: list[Any] = field(default_factory=list)
    job: str = ""
    picture: str = ""
    submitted: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Load:
    """``failures`` is one sentence for each request that did not get what was due to it.

    After ``enough`` nobody wants another picture, after ``over`` nobody is there.
    """

    def __init__(self, port: int, trust: ssl.SSLContext, people: list[Person]) -> None:
        self.port, self.trust, self.people = port, trust, people
        self.failures: list[str] = []
        self.counts: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.renewed = 0
        self.commits: Counter[str] = Counter()
        self.enough, self.over = asyncio.Event(), asyncio.Event()
        self.chance = random.Random(1)
        self.kept, self.fresh = self._client(20), self._client(0)
        self.static = ""

    def _client(self, kept: int) -> httpx2.AsyncClient:
        limits = httpx2.Limits(max_connections=200, max_keepalive_connections=kept)
        return httpx2.AsyncClient(
            base_url=f"https://localhost:{self.port}", verify=self.trust, limits=limits,
            timeout=TIMEOUT_SECONDS, trust_env=False,
        )  # fmt: skip

    def headers(self, person: Person | None = None) -> dict[str, str]:
        """Everybody calls from an address of their own, as the balancer before the door says."""
        parts = (str(self.chance.randrange(1, 255)) for _part in range(3))
        headers = {"X-Forwarded-For": "10." + ".".join(parts)}
        return headers | ({"Authorization": f"Bearer {person.key}"} if person else {})

    async def run(self, rate: float) -> None:
        """``rate`` requests a second until it is over."""
        page = await self.fresh.get("/sign-in/", headers=self.headers())
        self.static = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
        begun = time.monotonic()
        async with asyncio.TaskGroup() as sent:
            for number in itertools.count():
                await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
                if self.over.is_set():
                    return
                sent.create_task(self._one())

    async def _one(self) -> None:
        kind = self.chance.choices(list(MIX), list(MIX.values()))[0]
        person = self.chance.choice(self.people)
        path = {
            "job": f"/api/v1/jobs/{person.job}/" if person.job else "/api/v1/me/",
            "picture": person.picture or "/livez", "jobs": "/api/v1/jobs/", "health": "/health",
            "me": "/api/v1/me/", "static": self.static, "page": self.chance.choice(PAGES),
        }[kind]  # fmt: skip
        said = await self.ask("GET", path, kind, person if path.startswith("/api/") else None)
        if kind == "health" and said:
            self.commits[said.json()["commit"]] += 1

    async def ask(
        self, method: str, path: str, kind: str, person: Person | None, **more: Any
    ) -> httpx2.Response | None:
        """The answer, if it is a good one."""
        headers = self.headers(person) | more.pop("headers", {})
        self.counts[kind] += 1
        begun = time.monotonic()
        try:
            said = await self._send(method, path, headers, more)
        except httpx2.HTTPError as error:
            return self._fail(kind, method, path, repr(error), begun)
        self.seconds.append(time.monotonic() - begun)
        if said.status_code not in (200, 201) or not said.content:
            return self._fail(kind, method, path, f"{said.status_code} {said.text[:200]}", begun)
        return said

    async def _send(
        self, method: str, path: str, headers: dict[str, str], more: dict[str, Any]
    ) -> httpx2.Response:
        """A kept connection may be closed just as it is used; like any browser, a GET is sent again
        on a fresh one then (RFC 9110, 9.2.2), and that is counted."""
        if method != "GET" or self.chance.random() < 0.5:
            return await self.fresh.request(method, path, headers=headers, **more)
        try:
            return await self.kept.request(method, path, headers=headers, **more)
        except GONE:
            self.renewed += 1
            return await self.fresh.request(method, path, headers=headers, **more)

    def _fail(self, kind: str, method: str, path: str, what: str, begun: float) -> None:
        at, took = time.strftime("%H:%M:%S"), time.monotonic() - begun
        self.failures.append(f"{at} {kind}: {method} {path} after {took:.2f} s: {what}")
        print(self.failures[-1], flush=True)

    async def close(self) -> None:
        await self.kept.aclose()
        await self.fresh.aclose()
