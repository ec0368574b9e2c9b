"""Every way in which a vendor fails, at every moment in which a worker can die.

``python -m tests.chaos.matrix`` (about four minutes). Real web, worker, beat and Redis processes
on PostgreSQL; the vendors are stubs in this process that misbehave as each job's cell says. All
jobs of a wave are brought to where they are to be hit, then every worker gets `kill -9`.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.chaos import matrix_verdict
from tests.chaos.cells import ASYNC, CALLS_LATE, ROWS, SYNC, VENDORS, Cell, Kill, all_cells
from tests.chaos.people import Person
from tests.chaos.stand import Stand, missing
from tests.chaos.vendors import Kie, OpenRouter

PEOPLE = 4
WORKERS = 2
THREADS = 24
ROWS_AT_ONCE = 5
GATHER_SECONDS = 40
PATIENCE_SECONDS = 30
SITE = "https://studio.example"


def main(
    rows: tuple[str, ...] = ROWS, *, deadline: int = 45, read_seconds: float = 10
) -> list[str]:
    """Runs every cell, prints what became of it, returns what must not have happened."""
    begun = time.monotonic()
    cells = all_cells(rows)
    by_number = {cell.number: cell for cell in cells}
    wrong: list[str] = []
    with (
        Kie(by_number, read_seconds) as kie,
        OpenRouter(by_number, read_seconds) as router,
        stand_with(kie, router, deadline) as (stand, people),
    ):
        print(f"{len(cells)} cells; the studio is up after {time.monotonic() - begun:.0f} s")
        for wave in waves(cells, rows):
            wrong += strike(stand, people, wave, (kie, router))
        wait_for_late_calls(kie, cells)
        wrong += matrix_verdict.findings(stand, cells, (kie, router))
        matrix_verdict.tell(stand, cells)
        if wrong:
            print(stand.log_tail())
    print(f"{time.monotonic() - begun:.0f} s in all: {len(wrong)} findings")
    return wrong


def waves(cells: list[Cell], rows: tuple[str, ...]) -> Iterator[list[Cell]]:
    """A few rows at a time: a job in hand holds two of PostgreSQL's usual hundred connections."""
    for first in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[first : first + ROWS_AT_ONCE]
        yield [cell for cell in cells if cell.row in some]


@contextmanager
def stand_with(kie: Kie, router: OpenRouter, deadline: int) -> Iterator[tuple[Stand, list[Person]]]:
    """The studio with one vendor for each of two tools, and some people with money."""
    with Stand(
        "matrix", DJANGO_SETTINGS_MODULE="tests.chaos.matrix_settings", SITE_URL=SITE,
        JOB_DEADLINE_SECONDS=deadline, OUTSIDE_CONCURRENCY=len(VENDORS) * THREADS,
        CONN_MAX_AGE=0,
    ) as stand:  # fmt: skip
        kie.web, kie.late_after = stand.web, deadline + 2
        stand.python("-m", "tests.chaos.make_vendors", json.dumps(routes(kie, router)))
        made = json.loads(stand.python("-m", "tests.chaos.make_people", str(PEOPLE)))
        stand.start_studio(WORKERS)
        people = [Person(stand.web, one["key"], str(one["id"])) for one in made]
        for person in people:
            person.photo = person.send_photo()
        yield stand, people


def routes(kie: Kie, router: OpenRouter) -> dict[str, dict[str, object]]:
    options = {"read_seconds": kie.read_seconds, "poll_seconds": 1}
    return {
        "imagine": {"name": ASYNC, "base_url": kie.url,
                    "options": options | {"hosts": [kie.url], "upload_url": kie.url}},
        "edit": {"name": SYNC, "base_url": f"{router.url}/api/v1",
                 "options": options | {"hosts": [router.url]}},
    }  # fmt: skip


def strike(
    stand: Stand, people: list[Person], wave: list[Cell], vendors: tuple[Kie, OpenRouter]
) -> list[str]:
    """All of a wave's jobs to their places, one kill for all of them, and on to their ends."""
    held = [cell for cell in wave if cell.is_held]
    kill = Kill({cell.number for cell in held})
    for vendor in vendors:
        vendor.kill = kill
    ask_for(held, people)
    kill.all_here.wait(GATHER_SECONDS)
    astray = [cell for cell in held if cell.number in kill.missing]
    kill.near.set()
    time.sleep(0.01)
    for number in range(WORKERS):
        stand.kill(f"worker{number}")
    kill.done.set()
    ask_for([cell for cell in wave if not cell.is_held], people)
    wait_until_ended(stand)
    return [f"{cell}: was not in its place when the workers were killed" for cell in astray]


def ask_for(cells: list[Cell], people: list[Person]) -> None:
    def ask(turn: int) -> None:
        for cell in cells[turn :: len(people)]:
            cell.code, cell.key = asked(people[turn], cell), people[turn].key

    with ThreadPoolExecutor(len(people)) as threads:
        list(threads.map(ask, range(len(people))))


def asked(person: Person, cell: Cell) -> str:
    wish = {"tool": "imagine", "prompt": cell.prompt}
    if cell.vendor == SYNC:
        wish |= {"tool": "edit", "base": person.photo}
    job = person.insist("/jobs/", wish, {"Idempotency-Key": f"cell {cell.number}"})
    assert "code" in job, job
    return job["code"]


def wait_until_ended(stand: Stand) -> None:
    """Past the deadline of the youngest, if need be: who is open then is a finding."""
    query = ("SELECT count(*), coalesce(extract(epoch FROM max(deadline_at) - now()), 0)::float "
             "FROM generation_job WHERE state IN ('queued', 'running', 'waiting')")  # fmt: skip
    while True:
        ((number, left),) = stand.rows(query)
        if not number or left < -PATIENCE_SECONDS:
            return
        time.sleep(0.2)


def wait_for_late_calls(kie: Kie, cells: list[Cell]) -> None:
    """They come when everybody has given up, and must change nothing."""
    expected = sum(cell.row == CALLS_LATE for cell in cells)
    end = time.monotonic() + kie.late_after
    while sum(cell.row == CALLS_LATE for cell, _status in kie.called) < expected:
        if time.monotonic() > end:
            return
        time.sleep(0.2)
    time.sleep(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    wanted = parser.parse_args()
    if reason := missing():
        sys.exit(f"The matrix needs more than there is: {reason}")
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit("ended"))  # nothing stays behind
    found = main(tuple(wanted.rows))
    print("\n".join(found))
    sys.exit(bool(found))
