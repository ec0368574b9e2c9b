"""The proof that a deploy is felt by nobody: ``python -m tests.deploy.run`` (a quarter of an hour).

Real processes on PostgreSQL and Redis behind the shipped nginx with TLS, on a stand-in host
(`host.py`). While people ask, watch and wait for pictures, the studio is deployed, rolled back, and
given builds that are broken, which must roll back by themselves.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.deploy import verdict
from tests.deploy.host import Act, Host, missing
from tests.deploy.load import Load, Person
from tests.deploy.tabs import Tab, keep_a_job_running
from tests.deploy.telling import Show, tell

ACT_SECONDS = 30
DRAIN_SECONDS = 90
GONE_SECONDS = 15
CALM_SECONDS = 5
VERSION_FILE = "aibot/__init__.py"
NUMBERS = ('__version__ = "0.1.0"', '__version__ = "0.2.0"')
BROKEN = {
    "the clock does not start": ("aibot/settings.py", "aibot.clock.Clock", "aibot.clock.Nobody"),
    "pages are never ready": (
        "aibot/health.py", 'cursor.execute("SELECT 1")', 'cursor.execute("SELECT 1/0")',
    ),
    "workers answer no canary": (
        "generation/tasks.py", '_beat(f"canary:', 'raise SystemError(f"canary:',
    ),
}  # fmt: skip


async def main(
    deploys: int = 20, rollbacks: int = 5, broken: int = 3, *,
    rate: float = 50, sockets: int = 200, jobs: int = 20, workers: int = 2, minutes: float = 60,
    drain: float = 20,
) -> tuple[list[str], list[str]]:  # fmt: skip
    """Runs it and prints what happened. Returns what must not have happened, and what came late."""
    with Host(workers, drain) as host:
        first = await host.deploy("--env", str(host.environment_file()))
        assert first.code == 0, first.said + host.logs()
        print(f"the first, before anybody came: {first.seconds:.1f} s", flush=True)
        made = json.loads(host.stand.python("-m", "tests.chaos.make_people", str(jobs)))
        (host.stand.folder / "media").symlink_to(host.folder / "data" / "media")
        people = [Person(one["key"]) for one in made]
        show = Show(host, Load(host.port, host.trust(), people), people)
        plan = planned(deploys, rollbacks, broken)
        await under_load(show, plan, rate, sockets, minutes)
        wrong = [*show.wrong, *verdict.findings(host, show.load, people)]
        late = [*slow_acts(show), *verdict.delays(host, people)]
        tell(show)
        if wrong:
            print(host.logs())
    print(f"{len(wrong)} findings, {len(late)} things came late")
    return wrong, late


def slow_acts(show: Show) -> list[str]:
    return [f"{act.name} took {act.seconds:.1f} s:\n{act.said}" for act in show.acts
            if act.code == 0 and act.seconds > ACT_SECONDS]  # fmt: skip


def planned(deploys: int, rollbacks: int, broken: int) -> list[str]:
    """Deploys, with rollbacks and broken builds spread among them."""
    plan = ["deploy"] * deploys
    for number, act in enumerate(["rollback"] * rollbacks + list(BROKEN)[:broken]):
        plan.insert(1 + number * len(plan) // (rollbacks + broken), act)
    return plan


async def under_load(
    show: Show, plan: list[str], rate: float, sockets: int, minutes: float
) -> None:
    """As much of the plan as is begun within so many minutes."""
    come_first()
    end = time.monotonic() + 60 * minutes
    load, people = show.load, show.people
    tabs = [Tab(load, people[number % len(people)]) for number in range(sockets)]
    async with asyncio.TaskGroup() as busy:
        for tab in tabs:
            busy.create_task(tab.live())
            await asyncio.sleep(0.01)
        await asyncio.gather(*(tab.is_open.wait() for tab in tabs))
        keepers = [busy.create_task(keep_a_job_running(load, person)) for person in people]
        requests = busy.create_task(load.run(rate))
        counting = busy.create_task(count_open_jobs(show))
        await asyncio.sleep(CALM_SECONDS)
        for act in plan:
            if time.monotonic() < end:
                await one_act(show, act)
                show.wrong += await still_there(show.host)
                await asyncio.sleep(CALM_SECONDS)
        load.enough.set()
        await asyncio.gather(*keepers)
        await until_jobs_ended(show)
        await asyncio.sleep(CALM_SECONDS)
        load.over.set()
        counting.cancel()
        await requests
    await load.close()


def come_first() -> None:
    """These people are elsewhere: what they wait for is the studio, not a processor of ours."""
    with suppress(OSError):  # no such groups on this machine, or not ours to order
        Path("/proc/self/autogroup").write_text("-10")


async def one_act(show: Show, what: str) -> None:
    """Deploy, roll back or be refused; then look whether exactly the right one serves."""
    host, before = show.host, show.host.recorded("current")
    if what == "rollback":
        expected = host.recorded("previous")[1]
        act = await host.roll_back()
    elif what == "deploy":
        old, new = NUMBERS if host.says(VERSION_FILE, NUMBERS[0]) else NUMBERS[::-1]
        expected = await asyncio.to_thread(host.commit, VERSION_FILE, old, new)
        act = await host.deploy()
    else:
        expected, act = before[1], await broken_build(host, what)
    show.acts.append(act)
    wrong = await asyncio.to_thread(judged, host, act, what, expected)
    for sentence in wrong:
        show.wrong.append(f"{what}: {sentence}")
        print(show.wrong[-1], flush=True)
    print(f"{len(show.acts):3}  {what:26} {act.seconds:5.1f} s   failed requests so far: "
          f"{len(show.load.failures)}   sockets moved: {len(show.gaps)}", flush=True)  # fmt: skip


async def broken_build(host: Host, what: str) -> Act:
    file, good, bad = BROKEN[what]
    await asyncio.to_thread(host.commit, file, good, bad)
    act = await host.deploy()
    await asyncio.to_thread(host.commit, file, bad, good)
    return act


def judged(host: Host, act: Act, what: str, expected: str) -> list[str]:
    wrong = []
    if (act.code == 0) == (what in BROKEN):
        wrong.append(f"ended with {act.code}:\n{act.said}")
    if host.serving() != expected or host.recorded("current")[1] != expected:
        wrong.append(f"{host.serving()} serves, not {expected}:\n{act.said}")
    colour = host.recorded("current")[0]
    beats = [name for name, roles in host.running().items() if "beat" in roles]
    if beats != [colour] or len(host.running()[colour]) != 3 + host.workers:
        wrong.append(f"what runs is {host.running()}")
    return wrong


async def still_there(host: Host) -> list[str]:
    """Whatever was let go, long after it should have gone."""
    colour = host.recorded("current")[0]
    end = time.monotonic() + host.drain_seconds + GONE_SECONDS
    while left := [name for name, roles in host.running().items() if name != colour and roles]:
        if time.monotonic() > end:
            return [f"not everybody of {left[0]} has left: {host.running()}"]
        await asyncio.sleep(0.5)
    return []


async def count_open_jobs(show: Show) -> None:
    query = "SELECT count(*) FROM generation_job WHERE state IN ('running', 'waiting')"
    while True:
        rows = await asyncio.to_thread(show.host.stand.rows, query)
        show.open_jobs.append(rows[0][0])
        await asyncio.sleep(1)


async def until_jobs_ended(show: Show) -> None:
    query = "SELECT 1 FROM generation_job WHERE state IN ('queued', 'running', 'waiting')"
    end = time.monotonic() + DRAIN_SECONDS
    while await asyncio.to_thread(show.host.stand.rows, query) and time.monotonic() < end:
        await asyncio.sleep(0.3)


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, number in {
        "deploys": 20,
        "rollbacks": 5,
        "broken": 3,
        "sockets": 200,
        "jobs": 20,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--minutes", type=float, default=60, help="begin nothing after these")
    return parser.parse_args()


if __name__ == "__main__":
    wanted = asked()
    if reason := missing():
        sys.exit(f"Nothing can be deployed here: {reason}")
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit("ended"))  # nothing stays behind
    wrong, late = asyncio.run(main(**vars(wanted)))
    print("\n".join([*wrong, *late]))
    sys.exit(bool(wrong or late))
