"""The proof that nothing is lost: ``python -m tests.chaos.run`` (about four minutes).

Real web, socket, worker, beat and Redis processes. People ask for pictures over HTTP while
processes are killed at seeded random moments, Redis is flushed once and killed once.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.chaos import verdict
from tests.chaos.disturb import Disturbances
from tests.chaos.people import Person, Watcher
from tests.chaos.stand import Stand, missing

PEOPLE = 6
DRAIN_SECONDS = 120


def main(
    jobs: int = 200, kills: int = 40, seed: int = 1, *, seconds: float = 150, step_max: float = 1.5
) -> list[str]:
    """Runs the storm, prints what happened, returns what must not have happened."""
    begun = time.monotonic()
    with Stand("chaos", STEP_MAX=step_max) as stand:
        made = json.loads(stand.python("-m", "tests.chaos.make_people", str(PEOPLE)))
        stand.start_studio()
        people = [Person(stand.web, one["key"], f"{seed}:{one['id']}") for one in made]
        watchers = [Watcher(stand.socket, one["key"]) for one in made]
        for watcher in watchers:
            watcher.start()
        print(f"seed {seed}: the studio is up after {time.monotonic() - begun:.0f} s")
        storm = Disturbances(stand, seed)
        calm = storm_and_wait(stand, people, storm, jobs, kills, seconds)
        wrong = [*verdict.findings(stand, people, storm), *heard_again(people, watchers)]
        tell(stand, people, storm, calm)
        for watcher in watchers:
            watcher.over.set()
        if wrong:
            print(stand.log_tail())
    print(f"{time.monotonic() - begun:.0f} s in all: {len(wrong)} findings")
    return wrong


def storm_and_wait(
    stand: Stand, people: list[Person], storm: Disturbances, jobs: int, kills: int, seconds: float
) -> float:
    """Everybody asks while everything breaks. Returns the seconds from calm to the last end."""
    threading.Thread(target=storm.watch, daemon=True).start()
    with ThreadPoolExecutor(len(people) + 1) as threads:
        shares = [jobs // len(people) + (n < jobs % len(people)) for n in range(len(people))]
        asking = [threads.submit(ask_all, person, share, seconds)
                  for person, share in zip(people, shares, strict=True)]  # fmt: skip
        storm.run(kills, seconds)
        for future in asking:
            future.result()
    calm = time.monotonic()
    while open_jobs(stand) and time.monotonic() - calm < DRAIN_SECONDS:
        time.sleep(0.1)
    drained = time.monotonic() - calm
    time.sleep(0.3)
    storm.over.set()
    return drained


def ask_all(person: Person, number: int, seconds: float) -> None:
    """At random moments, some of them close together."""
    begun = time.monotonic()
    moments = sorted(person.random.uniform(0, seconds) for _job in range(number))
    for moment in moments:
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        person.ask()


def open_jobs(stand: Stand) -> int:
    return stand.rows(
        "SELECT count(*) FROM generation_job WHERE state IN ('queued', 'running', 'waiting')"
    )[0][0]


def heard_again(people: list[Person], watchers: list[Watcher]) -> list[str]:
    """After the storm the sockets work, without anybody having helped them."""
    wrong = []
    for person, watcher in zip(people, watchers, strict=True):
        job = person.insist("/jobs/", {"tool": "imagine", "prompt": "calm"})
        if not watcher.sees_the_end_of(job["code"], 20):
            wrong.append(f"the socket of a person did not tell the end of job {job['code']}")
    return wrong


def tell(stand: Stand, people: list[Person], storm: Disturbances, calm: float) -> None:
    states = dict(stand.rows("SELECT state, count(*) FROM generation_job GROUP BY state"))
    errors = dict(stand.rows(
        "SELECT error_code, count(*) FROM generation_job WHERE state = 'failed' GROUP BY 1"
    ))  # fmt: skip
    spans = [row[0] for row in stand.rows(
        "SELECT extract(epoch FROM finished_at - created_at)::float FROM generation_job "
        "WHERE finished_at IS NOT NULL"
    )]  # fmt: skip
    answers = sum((person.answers for person in people), Counter())
    done = Counter(act for _at, act in storm.log)
    times = Counter(verdict.asked(stand).values())
    took = [rescue.seconds for rescue in storm.rescues if rescue.seconds is not None]
    print(f"  disturbed: {dict(done)}; restarts {stand.restarts}")
    print(f"  answers: {dict(answers)}; slowest {max(p.slowest for p in people):.1f} s")
    print(f"  jobs: {states}, failed as {errors}; calm to the last end {calm:.1f} s")
    print(f"  from asking to the end: median {statistics.median(spans):.1f} s, "
          f"longest {max(spans):.1f} s")  # fmt: skip
    print(f"  provider asked once for {times[1]}, twice for {times[2]}, more for "
          f"{sum(n for t, n in times.items() if t > 2)}")  # fmt: skip
    print(f"  rescues: {len(took)}, longest {max(took, default=0):.1f} s after the kill")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    wanted = parser.parse_args()
    if reason := missing():
        sys.exit(f"The storm needs more than there is: {reason}")
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit("ended"))  # nothing stays behind
    found = main(wanted.jobs, wanted.kills, wanted.seed)
    print("\n".join(found))
    sys.exit(bool(found))
