"""What goes wrong, when: seeded, written down, and how long the rescue took."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field

from tests.chaos.stand import Stand

TARGETS = {"worker0": 30, "worker1": 30, "web": 18, "beat": 10, "socket": 12}


@dataclass
class Rescue:
    """A job whose worker was killed: how long until it was taken back or taken over."""

    code: str
    fence: int
    killed_at: float
    seconds: float | None = None


@dataclass
class Disturbances:
    stand: Stand
    seed: int
    log: list[tuple[float, str]] = field(default_factory=list)
    rescues: list[Rescue] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self, kills: int, seconds: float) -> None:
        """``kills`` kills, one FLUSHALL and one Redis restart, spread over ``seconds``."""
        chance = random.Random(self.seed)
        acts = chance.choices(list(TARGETS), list(TARGETS.values()), k=kills)
        acts.insert(chance.randrange(kills // 4, kills // 2), "flush")
        acts.insert(chance.randrange(kills // 2, kills), "redis")
        moments = sorted(chance.uniform(0, seconds) for _act in acts)
        begun = time.monotonic()
        for moment, act in zip(moments, acts, strict=True):
            time.sleep(max(0.0, begun + moment - time.monotonic()))
            self._do(act)

    def _do(self, act: str) -> None:
        self.log.append((time.time(), act))
        if act == "flush":
            self.stand.redis().flushall()
            return
        pid = self.stand.kill(act)
        if act.startswith("worker"):
            self._expect_rescue(pid)

    def _expect_rescue(self, pid: int) -> None:
        now = time.time()
        last = {}
        for line in self.stand.asked_log.read_text().splitlines():
            code, asked_by, _at = line.split()
            last[code] = int(asked_by)
        codes = [code for code, asked_by in last.items() if asked_by == pid]
        running = self.stand.rows(
            "SELECT code::text, fence FROM generation_job "
            "WHERE state = 'running' AND provider_ref = '' AND code::text = ANY(%s)", codes
        )  # fmt: skip
        self.rescues += [Rescue(code, fence, now) for code, fence in running]

    def watch(self) -> None:
        """In a thread of its own: notes when each job of a dead worker is free again."""
        while not self.over.wait(0.1):
            waiting = [rescue for rescue in self.rescues if rescue.seconds is None]
            if not waiting:
                continue
            rows = self.stand.rows("SELECT code::text, fence FROM generation_job "
                                   "WHERE state = 'running'")  # fmt: skip
            held = set(rows)
            for rescue in waiting:
                if (rescue.code, rescue.fence) not in held:
                    rescue.seconds = time.time() - rescue.killed_at
