"""Updates a second in one process against the bare library: ``python -m tests.bench.updates``.

Both poll the same Telegram, which takes answers as fast as they come, in turns. Ours stores each
update, answers it in a transaction and delivers the answer, a row, afterwards; the bare bot reads
the person and answers. Each answer is counted at Telegram, each of our rows in the database.
"""

from __future__ import annotations

import sys
import time

from tests.bench.report import Figure
from tests.bench.telegram import Telegram
from tests.chaos.stand import Stand, kill_group

PEOPLE, TIMES, FIRST = 300, 5, 200_000
ROUNDS = 2
PATIENCE_SECONDS = 180
OURS = [sys.executable, "manage.py", "runbot"]
BARE = [sys.executable, "-m", "tests.bench.bare_bot"]


def main() -> list[Figure]:
    with Telegram(enforce_pace=False) as telegram:
        module = "tests.bench.unpaced_settings"
        settings = telegram.settings | {"DJANGO_SETTINGS_MODULE": module}
        with Stand("updates", **settings) as stand:
            telegram.ask("people", FIRST, PEOPLE)
            stand.python("-m", "tests.bench.make_chats", str(FIRST), str(PEOPLE))
            ours, bare = [], []
            for _round in range(ROUNDS):
                ours.append(measure(stand, telegram, OURS))
                bare.append(measure(stand, telegram, BARE))
            figure = judge(stand, sum(ours) / ROUNDS, sum(bare) / ROUNDS)
    figure.tell()
    return [figure]


def measure(stand: Stand, telegram: Telegram, command: list[str]) -> float:
    """Updates a second, from the first that is written to the last that is answered."""
    stand.start("bot", command)
    answered(stand, telegram, 1)  # it listens, and everything is imported
    begun = time.monotonic()
    answered(stand, telegram, TIMES)
    spent = time.monotonic() - begun
    bot = stand.processes.pop("bot")
    time.sleep(0.3)  # until nobody is about to look after it
    kill_group(bot)
    return PEOPLE * TIMES / spent


def answered(stand: Stand, telegram: Telegram, times: int) -> None:
    wanted = telegram.ask("count", "sendMessage") + PEOPLE * times
    telegram.ask("say", "/balance", FIRST, PEOPLE, times)
    end = time.monotonic() + PATIENCE_SECONDS
    while telegram.ask("count", "sendMessage") < wanted:
        assert time.monotonic() < end, f"not all were answered:\n{stand.log_tail()}"
        time.sleep(0.05)


def judge(stand: Stand, ours: float, bare: float) -> Figure:
    ((done, open_ones, sent),) = stand.rows(
        "SELECT count(*) FILTER (WHERE done_at IS NOT NULL), "
        "count(*) FILTER (WHERE done_at IS NULL), "
        "(SELECT count(*) FROM telegram_integration_outgoingmessage WHERE state = 'sent') "
        "FROM telegram_integration_incoming"
    )
    wanted = ROUNDS * PEOPLE * (TIMES + 1)
    assert (done, open_ones) == (wanted, 0), (done, open_ones, wanted)
    # The last of a round may be killed before it is written down that they were sent.
    assert sent >= wanted - ROUNDS * 100, (sent, wanted)
    return Figure(
        "updates", f"{ours:.0f}/s", f"bare library with one read {bare:.0f}/s", ours / bare,
        ">= 0.25", ours / bare, f"{done} updates done, {sent} answers written down as sent",
    )  # fmt: skip


if __name__ == "__main__":
    main()
