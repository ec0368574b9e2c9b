"""What the studio adds to a job: from the submit to `done` at a socket, less the provider's time.

gunicorn, daphne, one Celery worker and beat on PostgreSQL and Redis; 10 jobs a second for 20 s by
five people, each with `/ws/me/` open. The provider sleeps 20 ms and writes down how long it took.
The floor is a Celery no-op on the same worker and Redis, there and back, in the same run.
Run: ``python -m tests.bench.overhead``.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.bench.report import Figure, p50_p99
from tests.chaos.people import Watcher
from tests.chaos.stand import Stand

PEOPLE = 5
RATE = 10
SECONDS = 20
WARM_UP = 40
NOOPS = 300
BODY = json.dumps({"tool": "imagine", "prompt": "a sea at dusk", "count": 1})


class Clock(Watcher):
    """A watcher that notes when it saw each job done."""

    def __init__(self, port: int, key: str) -> None:
        super().__init__(port, key)
        self.done_at: dict[str, float] = {}

    def _note(self, job: dict[str, Any]) -> None:
        if job["state"] == "done":
            self.done_at.setdefault(job["code"], time.perf_counter())
        super()._note(job)


class Client:
    """One person with a kept connection."""

    def __init__(self, web: int, key: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", web, timeout=10)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.turn = threading.Lock()

    def submit(self) -> tuple[str, float, float]:
        """The job's code, when it was asked for, and how long the answer took."""
        with self.turn:
            begun = time.perf_counter()
            self.connection.request("POST", "/api/v1/jobs/", BODY, self.headers)
            answer = self.connection.getresponse()
            job = json.load(answer)
        assert answer.status == 201, job
        return job["code"], begun, time.perf_counter() - begun


def main() -> list[Figure]:
    with Stand("overhead", DJANGO_SETTINGS_MODULE="tests.bench.settings") as stand:
        people = json.loads(stand.python("-m", "tests.chaos.make_people", str(PEOPLE)))
        stand.start_studio(workers=1)
        clocks = [Clock(stand.socket, person["key"]) for person in people]
        for clock in clocks:
            clock.start()
        clients = [Client(stand.web, person["key"]) for person in people]
        pace(clients, WARM_UP)
        asked = pace(clients, RATE * SECONDS)
        time.sleep(1)
        figures = judge(stand, asked, {k: v for c in clocks for k, v in c.done_at.items()})
        for clock in clocks:
            clock.over.set()
    for figure in figures:
        figure.tell()
    return figures


def pace(clients: list[Client], number: int) -> list[tuple[str, float, float]]:
    begun = time.perf_counter()
    with ThreadPoolExecutor(len(clients)) as threads:
        futures = []
        for which in range(number):
            time.sleep(max(0.0, begun + which / RATE - time.perf_counter()))
            futures.append(threads.submit(clients[which % len(clients)].submit))
        return [future.result() for future in futures]


def judge(
    stand: Stand, asked: list[tuple[str, float, float]], done_at: dict[str, float]
) -> list[Figure]:
    provider = dict(line.split() for line in stand.asked_log.read_text().splitlines())
    unseen = [code for code, _begun, _answer in asked if code not in done_at]
    assert not unseen, f"{len(unseen)} jobs were not seen to be done"
    overheads = [(done_at[code] - begun - float(provider[code])) * 1000
                 for code, begun, _answer in asked]  # fmt: skip
    answers = [answer * 1000 for _code, _begun, answer in asked]
    done = stand.rows("SELECT count(*) FROM generation_job WHERE state = 'done'")[0][0]
    assert done == len(asked) + WARM_UP
    print(f"where the time of a job goes, medians: {parts(stand)}")
    floors = noop_round_trips(stand)
    counted = f"{len(asked)} jobs seen done at the sockets, {done} done rows with the warm-up"
    return [
        Figure(f"job overhead {name}", f"{ours:.1f} ms (submit answered in {answer:.1f} ms)",
               f"Celery no-op there and back {floor:.1f} ms", ours / floor, f"<= {aim}", ours,
               counted)
        for name, ours, answer, floor, aim in zip(
            ("p50", "p99"), p50_p99(overheads), p50_p99(answers), p50_p99(floors), (15, 50),
            strict=True,
        )
    ]  # fmt: skip


def parts(stand: Stand) -> str:
    """By the rows' own times: written (the submit's transaction begins), claimed, done."""
    claimed, done = stand.rows(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY started_at - created_at), "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY finished_at - started_at) "
        "FROM generation_job WHERE state = 'done'"
    )[0]
    spans = (f"{span.total_seconds() * 1000:.0f} ms" for span in (claimed, done))
    return "from the submit's transaction to the claim {}, from there to done {}".format(*spans)


def noop_round_trips(stand: Stand) -> list[float]:
    """Milliseconds from sending a task that does nothing to the word that it was done."""
    for name in ("DATABASE_URL", "REDIS_URL", "ENV_FILE", "DATA_DIR"):
        os.environ[name] = stand.environment[name]
    from aibot.celery import app

    server, spans = stand.redis(), []
    for _trip in range(NOOPS):
        begun = time.perf_counter()
        app.send_task("bench.noop")
        assert server.blpop(["bench:answer"], timeout=5)
        spans.append((time.perf_counter() - begun) * 1000)
    return spans[20:]


if __name__ == "__main__":
    main()
