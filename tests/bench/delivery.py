"""A broadcast to thousands while results go on: ``python -m tests.bench.delivery [people]``.

Telegram is a process that enforces its pace: 30 messages a second, one a second in a chat. The bot,
a worker and the clock run as in production. While the broadcast goes out, people ask for pictures;
a result is as old as the time from its job's end to its arrival at Telegram. Everybody is counted
there and in the database.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from itertools import pairwise
from typing import Any

from tests.bench.report import Figure, p50_p99
from tests.bench.telegram import Telegram
from tests.chaos.stand import Stand

PEOPLE, FIRST = 3000, 100_000
ASKED_A_SECOND = 2.0
ALLOWED_A_SECOND = 30
TEXT = "There is something new in the studio"
PATIENCE_SECONDS = 2.0  # for each second that it would take at best
WARM_UP_SECONDS = 8


def main(people: int = PEOPLE) -> list[Figure]:
    with Telegram(enforce_pace=True) as telegram:
        more = {"WORKER_CONCURRENCY": 8, "STEP_MAX": 1.0}
        with Stand("delivery", **telegram.settings, **more) as stand:
            telegram.ask("people", FIRST, people)
            stand.python("-m", "tests.bench.make_chats", str(FIRST), str(people))
            start(stand)
            time.sleep(WARM_UP_SECONDS)
            begin(stand)
            wait(stand, people)
            figures = judge(stand, telegram, people)
    for figure in figures:
        figure.tell()
    return figures


def start(stand: Stand) -> None:
    run = [sys.executable, "-m"]
    stand.start("worker", [*run, "celery", "-A", "aibot", "worker", "-n", "worker@%h"])
    schedule = str(stand.folder / "schedule")
    stand.start("beat", [*run, "celery", "-A", "aibot", "beat", "-s", schedule])
    stand.start("bot", [sys.executable, "manage.py", "runbot"])
    stand.start("people", [*run, "tests.bench.ask_in_chats", str(ASKED_A_SECOND)])


def begin(stand: Stand) -> None:
    stand.rows(
        "INSERT INTO telegram_integration_broadcast (code, segment, text_ru, text_en, button_ru, "
        "button_en, path, status, position, starts_at, created_at) VALUES (gen_random_uuid(), "
        "'everybody', '', %s, '', '', '', 'scheduled', 0, now(), now()) RETURNING id", TEXT,
    )  # fmt: skip


def wait(stand: Stand, people: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS * people / ALLOWED_A_SECOND + 60
    while stand.rows("SELECT status FROM telegram_integration_broadcast") != [("done",)]:
        assert time.monotonic() < end, f"it was not done in time:\n{stand.log_tail()}"
        time.sleep(1)
    stand.manage("shell", "-c", "import time; time.sleep(2)")  # what was under way arrives


def judge(stand: Stand, telegram: Telegram, people: int) -> list[Figure]:
    calls, refused = telegram.ask("calls"), telegram.ask("refused")
    told = Counter(chat for _at, _method, _n, chat, _id, text in calls if text == TEXT)
    rows = stand.rows(
        "SELECT state, count(*) FROM telegram_integration_outgoingmessage "
        "WHERE broadcast_id IS NOT NULL GROUP BY state"
    )
    assert rows == [("sent", people)], rows
    assert (len(told), set(told.values())) == (people, {1}), "somebody was told twice, or never"
    rate, lull = use_of_pace(calls)
    ages = sorted(ages_of_results(stand, calls))
    p50, p99 = p50_p99(ages)
    counted = f"{people} people told once each, {len(ages)} results, {len(refused)} refusals"
    gap = 1 / ALLOWED_A_SECOND
    print(f"where the time of a result goes, p50 and p99: {parts(stand)}")
    print(f"refused: {Counter(refused) or 'nothing'}; the longest lull {lull * 1000:.0f} ms")
    return [
        Figure("results during a broadcast, p99", f"{p99:.2f} s (p50 {p50:.2f} s)",
               f"the gap between two messages {gap * 1000:.0f} ms", p99 / gap, "<= 1", p99,
               counted),
        Figure("rate of a broadcast with results", f"{rate:.1f}/s",
               f"what Telegram allows {ALLOWED_A_SECOND}/s", rate / ALLOWED_A_SECOND, ">= 0.95",
               rate / ALLOWED_A_SECOND, counted),
        Figure("messages that Telegram refused", str(len(refused)), "none 0", float(len(refused)),
               "<= 0", len(refused), counted),
    ]  # fmt: skip


def use_of_pace(calls: list[Any]) -> tuple[float, float]:
    """Messages a second from the broadcast's first to its last, and the longest pause between."""
    sent = [at for at, _method, _n, _chat, _id, text in calls if text == TEXT]
    first, last = min(sent), max(sent)
    all_of_them = sorted(at for at, _m, n, *_rest in calls if n and first <= at <= last)
    return len(all_of_them) / (last - first), max(b - a for a, b in pairwise(all_of_them))


def ages_of_results(stand: Stand, calls: list[Any]) -> list[float]:
    """In seconds, of those whose job ended while the broadcast went out."""
    arrived = {
        (chat, int(number)): at
        for at, method, _n, chat, number, _text in calls
        if method == "editMessageMedia"
    }
    rows = stand.rows(
        "SELECT extract(epoch FROM j.finished_at), place.chat_id, place.message_id "
        "FROM generation_job j JOIN telegram_integration_outgoingmessage m ON m.job_id = j.id "
        "JOIN telegram_integration_outgoingmessage place ON place.id = m.edits_id "
        "JOIN telegram_integration_broadcast b ON j.finished_at BETWEEN b.started_at "
        "AND b.ended_at WHERE m.method = 'editMessageMedia'"
    )
    assert all((chat, number) in arrived for _at, chat, number in rows), "a result is missing"
    return [arrived[chat, number] - float(ended) for ended, chat, number in rows]


def parts(stand: Stand) -> str:
    """By the rows' own times: told, its message sent, the picture in its place."""
    spans = ("m.created_at - j.finished_at", "greatest(place.sent_at, m.created_at) - m.created_at",
             "m.sent_at - greatest(place.sent_at, m.created_at)")  # fmt: skip
    ((*found,),) = stand.rows(
        "SELECT "
        + ", ".join(f"percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM "
                    f"{span}))" for span in spans)
        + " FROM generation_job j JOIN telegram_integration_outgoingmessage m ON m.job_id = j.id "
        "JOIN telegram_integration_outgoingmessage place ON place.id = m.edits_id "
        "WHERE m.method = 'editMessageMedia'"
    )  # fmt: skip
    names = ("told", "message", "picture")
    return ", ".join(
        f"{name} {p50 * 1000:.0f}/{p99 * 1000:.0f} ms"
        for name, (p50, p99) in zip(names, found, strict=True)
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
