"""The bot killed at seeded moments of running conversations: ``python -m tests.chaos.bot``.

PostgreSQL, Redis, worker, clock and `runbot` as real processes, before a Bot API of the tests that
enforces Telegram's rules. People ask for pictures while the bot gets `kill -9` again and again.
Afterwards nobody was charged twice, every picture is in its chat exactly once, and there are no
more texts too many than there were kills.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections import Counter

from tests.chaos.stand import Stand, missing
from tests.pictures import picture_file
from tests.vendors.botapi import TOKEN, BotApi

PEOPLE, KILLS, ASKED = 5, 30, 8
FIRST = 9001
PATIENCE_SECONDS = 90


def main(kills: int = KILLS, people: int = PEOPLE, asked: int = ASKED, seed: int = 1) -> list[str]:
    """Prints what was done, returns what must not have happened."""
    dice = random.Random(seed)
    with BotApi(enforce_pace=True) as api:
        environment = {
            "TELEGRAM_BOT_TOKEN": TOKEN, "BOT_API_URL": api.url, "TELEGRAM_MODE": "polling",
            "TELEGRAM_BOT_NAME": "studio_test_bot", "STEP_MAX": "0.3",
        }  # fmt: skip
        with Stand("bot", **environment) as stand:
            start(stand)
            crowd = [FIRST + number for number in range(people)]
            talks = [threading.Thread(target=talk, args=(api, who, asked, seed)) for who in crowd]
            for one in talks:
                one.start()
            done = kill(stand, kills, dice, talks)
            wait_until_quiet(stand, api, people * asked)
            wrong = judge(stand, api, crowd, asked, done)
            if wrong:
                print(stand.log_tail(40))
    print(f"{people} people asked {people * asked} times, {done} kills: {len(wrong)} findings")
    return wrong


def start(stand: Stand) -> None:
    run = [sys.executable, "-m"]
    stand.start("worker0", [*run, "celery", "-A", "aibot", "worker", "-n", "worker0@%h"])
    schedule = str(stand.folder / "schedule")
    stand.start("beat", [*run, "celery", "-A", "aibot", "beat", "-s", schedule])
    stand.start("bot", [sys.executable, "manage.py", "runbot"])


def talk(api: BotApi, who: int, asked: int, seed: int) -> None:
    """Says hello and asks for pictures, by words and by photos with a caption."""
    dice = random.Random(seed + who)
    api.person(who, first_name=f"P{who}", language_code="en")
    api.start(who)
    for number in range(asked):
        time.sleep(dice.uniform(3, 16))
        if dice.random() < 0.3:
            api.send_photo(who, picture_file("teal", (200 + number, 260)), f"wish {number}")
        else:
            api.say(who, f"/imagine wish {number}")


def kill(stand: Stand, kills: int, dice: random.Random, talks: list[threading.Thread]) -> int:
    """`kill -9`, each time a while after the bot is up again."""
    for _kill in range(kills):
        time.sleep(dice.uniform(2.5, 6.0))
        stand.kill("bot")
    for one in talks:
        one.join()
    return kills


def wait_until_quiet(stand: Stand, api: BotApi, jobs: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        ((made, untold, unsent, unanswered),) = stand.rows(
            "SELECT (SELECT count(*) FROM generation_job WHERE state IN ('done', 'failed')), "
            "(SELECT count(*) FROM generation_job WHERE told_at IS NULL), "
            "(SELECT count(*) FROM telegram_integration_outgoingmessage "
            " WHERE state IN ('waiting', 'sending')), "
            "(SELECT count(*) FROM telegram_integration_incoming WHERE done_at IS NULL)"
        )
        if made >= jobs and not untold + unsent + unanswered:
            return
        time.sleep(0.3)


def judge(stand: Stand, api: BotApi, crowd: list[int], asked: int, kills: int) -> list[str]:
    wrong = []
    for who in crowd:
        wrong += [f"{who}: {what}" for what in _wrong_with(stand, api, who, asked)]
    left = sum(_left_over(api, who) for who in crowd)
    if left > kills:
        wrong.append(f"{left} texts too many after {kills} kills")
    if api.offences:
        wrong.append(f"{len(api.offences)} messages against Telegram's pace")
    stand.manage("audit_ledger")
    return wrong


def _wrong_with(stand: Stand, api: BotApi, who: int, asked: int) -> list[str]:
    jobs = stand.rows(
        "SELECT j.state, (SELECT count(*) FROM billing_entry e "
        "WHERE e.key = 'job:' || j.code || ':charge' AND e.part = 0) "
        "FROM generation_job j JOIN telegram_integration_user u ON u.id = j.owner_id "
        "WHERE u.telegram_id = %s", who,
    )  # fmt: skip
    states = Counter(state for state, _charges in jobs)
    pictures = sum(one.photo is not None for one in api.messages(who) if one.by_bot)
    wrong = []
    if len(jobs) != asked:
        wrong.append(f"{len(jobs)} jobs for {asked} wishes")
    if any(charges != 1 for _state, charges in jobs):
        wrong.append("a job is not charged once")
    if pictures != states["done"]:
        wrong.append(f"{pictures} pictures for {states['done']} jobs ({dict(states)})")
    return wrong


def _left_over(api: BotApi, who: int) -> int:
    """Statuses that no picture took the place of: sent twice because of a kill."""
    seen = [one for one in api.messages(who) if one.by_bot and one.photo is None]
    return sum("Cancel" in one.labels for one in seen)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--kills", type=int, default=KILLS)
    wanted = parser.parse_args()
    if reason := missing():
        sys.exit(f"This needs more than there is: {reason}")
    print(f"seed {wanted.seed}")
    found = main(kills=wanted.kills, seed=wanted.seed)
    print("\n".join(found))
    sys.exit(bool(found))
