"""The bot killed at seeded moments of running conversations: ``python -m tests.chaos.bot``.

PostgreSQL, Redis, worker, clock and `runbot` as real processes, before a Bot API of the tests that
enforces Telegram's rules. People do everything that can be done in the chat, while the bot gets
`kill -9` again and again, each time at a random moment after it has begun to serve.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
import time
from collections import Counter

from tests.chaos import bot_verdict
from tests.chaos.chatter import Chatter
from tests.chaos.stand import Stand, missing
from tests.vendors.botapi import TOKEN, BotApi

PEOPLE, KILLS = 6, 30
PEOPLE_IN_A_GROUP = 3  # more would talk faster than Telegram lets a bot answer in one
FIRST, GROUP = 9001, -1009000
STARS = 150
START_SECONDS, QUIET_SECONDS = 60, 120
SERVED_SECONDS = (0.1, 5.0)


def main(kills: int = KILLS, people: int = PEOPLE, seed: int = 1) -> list[str]:
    """Prints what was done, returns what must not have happened."""
    begun = time.monotonic()
    with BotApi(enforce_pace=True) as api:
        environment = {
            "TELEGRAM_BOT_TOKEN": TOKEN, "BOT_API_URL": api.url, "TELEGRAM_MODE": "polling",
            "TELEGRAM_BOT_NAME": "studio_test_bot", "STEP_MAX": "0.3",
        }  # fmt: skip
        with Stand("bot", **environment) as stand:
            start(stand)
            crowd, over = gathered(api, people, seed), threading.Event()
            for one in crowd:
                one.over = over
                one.start()
            killed = kill(stand, kills, random.Random(seed))
            over.set()
            for one in crowd:
                one.join()
            wait_until_quiet(stand)
            wrong = bot_verdict.findings(stand, api, crowd, killed)
            tell(stand, crowd)
            if wrong:
                print(stand.log_tail(40))
    print(f"{len(killed)} kills in {time.monotonic() - begun:.0f} s: {len(wrong)} findings")
    return wrong


def start(stand: Stand) -> None:
    run = [sys.executable, "-m"]
    with_stars = f"UPDATE billing_product SET stars = {STARS} WHERE sort = 'pack'"
    stand.rows(f"{with_stars} RETURNING code")
    stand.start("worker0", [*run, "celery", "-A", "aibot", "worker", "-n", "worker0@%h"])
    schedule = str(stand.folder / "schedule")
    stand.start("beat", [*run, "celery", "-A", "aibot", "beat", "-s", schedule])
    stand.start("bot", [sys.executable, "manage.py", "runbot"])


def gathered(api: BotApi, people: int, seed: int) -> list[Chatter]:
    """People, a few of them in each group."""
    crowd = []
    for number in range(people):
        place = number // PEOPLE_IN_A_GROUP
        crowd.append(Chatter(api, FIRST + number, GROUP - place, threading.Event(), seed))
    for group in {one.group.chat for one in crowd}:
        members = [one.phone.user for one in crowd if one.group.chat == group]
        api.group(group, "Friends", members)
    return crowd


def kill(stand: Stand, kills: int, dice: random.Random) -> list[float]:
    """`kill -9`, each time a while after the bot serves again. When that was."""
    killed = [0.0]
    for _kill in range(kills):
        wait_until_it_serves(stand, killed[-1])
        time.sleep(dice.uniform(*SERVED_SECONDS))
        killed.append(time.time())
        stand.kill("bot")
    wait_until_it_serves(stand, killed[-1])
    return killed[1:]


def wait_until_it_serves(stand: Stand, since: float) -> None:
    """A bot that serves has a heartbeat, which the one before it cannot have left behind."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        beats = stand.rows(
            "SELECT 1 FROM generation_heartbeat WHERE name = 'bot' AND beat_at > to_timestamp(%s)",
            since + 0.5,
        )
        if beats:
            return
        time.sleep(0.05)
    raise AssertionError(f"the bot does not serve:\n{stand.log_tail()}")


def wait_until_quiet(stand: Stand) -> None:
    end = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < end:
        ((open_jobs, untold, unsent, unanswered),) = stand.rows(
            "SELECT (SELECT count(*) FROM generation_job WHERE finished_at IS NULL), "
            "(SELECT count(*) FROM generation_job WHERE told_at IS NULL), "
            "(SELECT count(*) FROM telegram_integration_outgoingmessage "
            " WHERE state IN ('waiting', 'sending')), "
            "(SELECT count(*) FROM telegram_integration_incoming WHERE done_at IS NULL)"
        )
        if not open_jobs + untold + unsent + unanswered:
            return
        time.sleep(0.3)


def tell(stand: Stand, crowd: list[Chatter]) -> None:
    done = sum((one.done for one in crowd), Counter())
    states = dict(stand.rows("SELECT state, count(*) FROM generation_job GROUP BY state"))
    asked = dict(stand.rows("SELECT tool, count(*) FROM generation_job GROUP BY tool"))
    print(f"  {len(crowd)} people: {dict(done)}")
    print(f"  jobs: {states}, of {asked}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--people", type=int, default=PEOPLE)
    wanted = parser.parse_args()
    if reason := missing():
        sys.exit(f"This needs more than there is: {reason}")
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit("ended"))  # nothing stays behind
    print(f"seed {wanted.seed}")
    found = main(wanted.kills, wanted.people, wanted.seed)
    print("\n".join(found))
    sys.exit(bool(found))
