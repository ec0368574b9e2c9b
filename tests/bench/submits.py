"""Authenticated submits a second against a bare Django view that inserts one row.

Both under gunicorn with one worker of 8 threads, 16 clients with kept connections, in turns. A
submit is `POST /api/v1/jobs/` for a picture from words with an API key: it checks the key, locks
the account, looks at limits, writes the job and its charge, commits, rings the bell and answers
the job's whole JSON. The bare view has no middleware at all.
Run: ``python -m tests.bench.submits``.
"""

from __future__ import annotations

import json
import sys
import time

from tests.bench.load import hammer, request
from tests.bench.report import Figure
from tests.chaos.stand import Stand, free_port

CLIENTS = 16
SECONDS = 6.0
ROUNDS = 2
BODY = json.dumps({"tool": "imagine", "prompt": "a sea at dusk", "count": 1}).encode()


def main() -> list[Figure]:
    with Stand("submits", DJANGO_SETTINGS_MODULE="tests.bench.settings") as stand:
        people = json.loads(stand.python("-m", "tests.chaos.make_people", str(CLIENTS)))
        bare_port = start_web(stand)
        keys = [person["key"] for person in people]
        figure = measure(stand, bare_port, keys)
    figure.tell()
    return [figure]


def start_web(stand: Stand) -> int:
    """The studio's web process and the bare one. Returns the port of the bare one."""
    bare_port = free_port()
    gunicorn = [sys.executable, "-m", "gunicorn", "aibot.wsgi", "--workers=1",
                "--worker-class=gthread", "--threads=8", "--keep-alive=75"]  # fmt: skip
    bare = ["env", "DJANGO_SETTINGS_MODULE=tests.bench.bare_settings", *gunicorn]
    stand.start("web", [*gunicorn, f"--bind=127.0.0.1:{stand.web}"])
    stand.start("bare", [*bare, f"--bind=127.0.0.1:{bare_port}"])
    for port, path in ((stand.web, "/livez"), (bare_port, "/insert/")):
        stand.wait_for(f"http://127.0.0.1:{port}{path}")
    return bare_port


def measure(stand: Stand, bare_port: int, keys: list[str]) -> Figure:
    def submit(number: int) -> bytes:
        return request("POST", "/api/v1/jobs/", key=keys[number], body=BODY)

    def insert(_number: int) -> bytes:
        return request("GET", "/insert/")

    hammer(stand.web, submit, CLIENTS, 1)
    hammer(bare_port, insert, CLIENTS, 1)
    before = counts(stand)
    ours, floor, answered, wrong = [], [], 0, 0
    for _round in range(ROUNDS):
        rate, statuses = hammer(stand.web, submit, CLIENTS, SECONDS)
        ours.append(rate)
        answered += statuses[201]
        wrong += statuses.total() - statuses[201]
        floor.append(hammer(bare_port, insert, CLIENTS, SECONDS)[0])
        time.sleep(0.2)
    jobs, charges = (now - then for now, then in zip(counts(stand), before, strict=True))
    assert (jobs, charges, wrong) == (answered, answered, 0), (jobs, charges, answered, wrong)
    mine, bare = sum(ours) / ROUNDS, sum(floor) / ROUNDS
    return Figure(
        "submits", f"{mine:.0f}/s", f"bare view with one insert {bare:.0f}/s", mine / bare,
        ">= 0.25", mine / bare, f"{answered} answers 201, {jobs} job rows, {charges} charges",
    )  # fmt: skip


def counts(stand: Stand) -> tuple[int, int]:
    return stand.rows(
        "SELECT (SELECT count(*) FROM generation_job), "
        "(SELECT count(*) FROM billing_entry WHERE key LIKE '%%:charge')"
    )[0]


if __name__ == "__main__":
    main()
