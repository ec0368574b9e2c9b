"""What a provider that hangs or fails costs the jobs of the others, against undisturbed runs.

gunicorn, two Celery workers and beat on PostgreSQL and Redis; three vendors over HTTP, each for one
tool. Jobs of all three are asked for at a steady rate, first undisturbed, then with one vendor in a
mood, and undisturbed again in between, so that the noise of the machine can be seen. Times are the
rows' own, from the submit's transaction to the end. Jobs of the last seconds are told apart: they
share the machine with all that the disturbed one makes up for when it is well again.
Run: ``python -m tests.bench.isolation``.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.bench import moods
from tests.bench.report import Figure, p50_p99
from tests.chaos.people import Person
from tests.chaos.stand import Stand

PEOPLE = 6
RATE = 3
SECONDS = 70
WARM_UP = 30
DRAIN_SECONDS = 90
LAST_SECONDS = 6
AIM = 1.1
RUNS = (moods.WELL, moods.HANGS, moods.WELL, moods.FAILS, moods.WELL, moods.FAILS_SOMETIMES)
DISTURBED = "openai"


@dataclass
class Run:
    """One run: who was asked what, and what became of it."""

    mood: str
    began: float = field(default_factory=time.time)
    cheered_at: float = 0.0
    others: tuple[float, float] = (0.0, 0.0)
    others_last: tuple[float, float] = (0.0, 0.0)
    states: Counter[str] = field(default_factory=Counter)
    refunds: int = 0
    calls: int = 0
    refunded_after: float | None = None
    opened: str = "-"
    recovered: str = "-"


def main() -> list[Figure]:
    with (
        moods.OpenAI() as words, moods.OpenRouter() as edits, moods.Kie() as try_ons,
        Stand("isolation", DJANGO_SETTINGS_MODULE="tests.bench.isolation_settings") as stand,
    ):  # fmt: skip
        people = set_up(stand, words, edits, try_ons)
        ask(people, WARM_UP)
        wait_until_ended(stand)
        runs = [disturb(stand, people, words, mood) for mood in RUNS]
        tell(runs, stand, words, edits, try_ons)
        stand.manage("audit_ledger")
    figures = [figure(run, runs) for run in runs if run.mood != moods.WELL]
    for one in figures:
        one.tell()
    return figures


def set_up(
    stand: Stand, words: moods.OpenAI, edits: moods.OpenRouter, try_ons: moods.Kie
) -> list[Person]:
    vendors = json.dumps(moods.routes(words, edits, try_ons))
    stand.python("-m", "tests.chaos.make_vendors", vendors)
    made = json.loads(stand.python("-m", "tests.chaos.make_people", str(PEOPLE)))
    stand.start_studio(workers=2)
    stand.start("breaker", [sys.executable, "-m", "tests.bench.isolation", "watch"])
    people = [Person(stand.web, one["key"], str(one["id"])) for one in made]
    for person in people:
        person.photo = person.send_photo()
    return people


def disturb(stand: Stand, people: list[Person], vendor: moods.OpenAI, mood: str) -> Run:
    vendor.mood, run = mood, Run(mood)
    ask(people, RATE * SECONDS)
    vendor.cheer_up()
    run.cheered_at = time.time()
    wait_until_ended(stand)
    look(stand, run)
    return run


def ask(people: list[Person], number: int) -> None:
    """At RATE a second; each tool as often as the others, in any order."""
    tools = [("imagine", "edit", "tryon")[which % 3] for which in range(number)]
    random.Random(number).shuffle(tools)
    begun = time.monotonic()
    with ThreadPoolExecutor(len(people) * 2) as threads:
        futures = []
        for which, tool in enumerate(tools):
            time.sleep(max(0.0, begun + which / RATE - time.monotonic()))
            person = people[which % len(people)]
            futures.append(threads.submit(person.insist, "/jobs/", wish(person, tool, which)))
        for future in futures:
            assert "code" in future.result(), future.result()


def wish(person: Person, tool: str, which: int) -> dict[str, object]:
    if tool == "tryon":
        return {"tool": tool, "person": person.photo, "item": person.photo, "zone": "body"}
    words: dict[str, object] = {"tool": tool, "prompt": f"picture {which}"}
    return words | ({"base": person.photo} if tool == "edit" else {})


def wait_until_ended(stand: Stand) -> None:
    end = time.monotonic() + DRAIN_SECONDS
    query = "SELECT count(*) FROM generation_job WHERE state IN ('queued', 'running', 'waiting')"
    while stand.rows(query)[0][0] and time.monotonic() < end:
        time.sleep(0.2)


def look(stand: Stand, run: Run) -> None:
    """What the rows say of this run."""
    since = "created_at >= to_timestamp(%s)"
    rows = stand.rows(
        "SELECT tool = 'imagine', state, extract(epoch FROM created_at)::float, "
        f"extract(epoch FROM finished_at - created_at)::float FROM generation_job WHERE {since}",
        run.began,
    )
    run.states = Counter(f"{'its own' if own else 'others'} {state}" for own, state, _, _ in rows)
    others = [(asked_at, spent) for own, state, asked_at, spent in rows
              if state == "done" and not own]  # fmt: skip
    until = run.cheered_at - LAST_SECONDS
    run.others = p50_p99([spent for asked_at, spent in others if asked_at <= until])
    run.others_last = p50_p99([spent for asked_at, spent in others if asked_at > until])
    run.refunds = stand.rows(
        "SELECT count(DISTINCT e.key) FROM billing_entry e JOIN generation_job j "
        f"ON e.key LIKE 'job:' || j.code || ':refund%%' WHERE j.{since}", run.began
    )[0][0]  # fmt: skip
    run.calls = stand.rows(
        "SELECT count(*) FROM generation_attempt WHERE provider = %s "
        "AND started_at BETWEEN to_timestamp(%s) AND to_timestamp(%s)",
        DISTURBED, run.began, run.cheered_at,
    )[0][0]  # fmt: skip
    run.refunded_after = stand.rows(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY spent)::float FROM ("
        "SELECT extract(epoch FROM j.finished_at - max(a.ended_at)) AS spent "
        "FROM generation_job j JOIN generation_attempt a ON a.job_id = j.id "
        f"WHERE j.state = 'failed' AND j.{since} GROUP BY j.id) AS refunds", run.began
    )[0][0]  # fmt: skip
    look_at_the_breaker(stand, run)


def look_at_the_breaker(stand: Stand, run: Run) -> None:
    lines = (stand.folder / "breaker.txt").read_text().splitlines()
    seen = [(float(line.split()[0]), line.split()[1]) for line in lines if line[:1].isdigit()]
    opened = [at for at, word in seen if word == "open" and at > run.began]
    closed = [at for at, word in seen if word == "closed" and at > run.cheered_at]
    if not opened:
        return
    orders = stand.rows(
        "SELECT count(*) FROM generation_attempt WHERE provider = %s "
        "AND started_at BETWEEN to_timestamp(%s) AND to_timestamp(%s)",
        DISTURBED, run.began, opened[0],
    )[0][0]  # fmt: skip
    run.opened = f"after {opened[0] - run.began:.1f} s, {orders} orders, {len(opened)} times"
    run.recovered = f"{closed[-1] - run.cheered_at:.1f} s later" if closed else "not"


def tell(
    runs: list[Run], stand: Stand, words: moods.OpenAI, edits: moods.OpenRouter, kie: moods.Kie
) -> None:
    print(f"{RATE} jobs a second for {SECONDS} s a run, a third of them at the one disturbed")
    for run in runs:
        late = "-" if run.refunded_after is None else f"{run.refunded_after * 1000:.0f} ms"
        print(
            f"  {run.mood:12} others p50 {run.others[0]:.3f} s, p99 {run.others[1]:.3f} s; "
            f"{run.calls} orders at the one disturbed; breaker open: {run.opened}, "
            f"closed: {run.recovered}; {run.refunds} refunds, {late} after the failure was known"
        )
        print(f"    asked for in the last {LAST_SECONDS} s, before it was well again: others "
              f"p50 {run.others_last[0]:.3f} s, p99 {run.others_last[1]:.3f} s")  # fmt: skip
        print(f"    rows: {dict(sorted(run.states.items()))}")
    lateness = p50_p99(kie.lateness())
    print(f"  checks at the vendor that makes one wait: p50 {lateness[0]:.2f} s late, "
          f"p99 {lateness[1]:.2f} s")  # fmt: skip
    connections = stand.rows("SELECT count(*) FROM pg_stat_activity WHERE datname = %s",
                             stand.database)[0][0]  # fmt: skip
    print(f"  connections to PostgreSQL at the end: {connections}")
    for vendor in (words, edits, kie):
        assert not vendor.mistakes, vendor.mistakes[:3]


def figure(run: Run, runs: list[Run]) -> Figure:
    """Against the mean of the undisturbed runs, each of which is told."""
    calm = [other.others[1] for other in runs if other.mood == moods.WELL]
    floor = sum(calm) / len(calm)
    spread = ", ".join(f"{one:.3f}" for one in calm)
    ended = sum(run.states.values())
    return Figure(
        f"jobs elsewhere while one provider {run.mood}", f"p99 {run.others[1]:.3f} s",
        f"undisturbed p99 {floor:.3f} s ({spread})", run.others[1] / floor, f"<= {AIM}",
        run.others[1] / floor, f"{ended} rows: {dict(sorted(run.states.items()))}",
    )  # fmt: skip


# ── inside the studio's environment ───────────────────────────────────────────────────────────


def watch() -> None:
    """Prints when the breaker opens and closes; a probe that is due does not close it."""
    import django

    django.setup()
    from generation import breaker

    was = False
    while True:
        time.sleep(0.2)
        if was != (now := breaker.is_open(DISTURBED)):
            print(f"{time.time():.3f}", "open" if now else "closed", flush=True)
            was = now


if __name__ == "__main__":
    watch() if sys.argv[1:] == ["watch"] else main()
