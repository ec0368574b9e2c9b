"""Do the books stand many hands and sudden deaths? ``python -m tests.bench.books [operations]``.

Sixteen writer processes do random things with the money of a few people: charges, refunds, gifts,
grants, withdrawals; each change of the books is an operation. Meanwhile connections are terminated
and writers killed. Each writer notes a change before it asks for it and after it was acknowledged;
in the end every acknowledged change is in the books once, none is there that nobody asked for, and
the audit finds nothing.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from tests.bench.report import Figure
from tests.chaos.stand import ROOT, Stand

PEOPLE = 500  # with fewer each would hold thousands of lots in the end, as nobody does
WRITERS = 16
OPERATIONS = 100_000
DISTURBED_EVERY = 0.5  # seconds
START = 1_000_000  # credits for each
Writers = dict[int, subprocess.Popen[bytes]]


def main(operations: int = OPERATIONS, writers: int = WRITERS) -> Figure:
    environment = {"DJANGO_SETTINGS_MODULE": "tests.bench.settings", "PGAPPNAME": "books"}
    with Stand("books", **environment) as stand:
        stand.python("-m", "tests.bench.books", "prepare")
        begun = time.perf_counter()
        killed, cut = write(stand, operations // writers, writers)
        rate = operations / (time.perf_counter() - begun)
        floor = f"{writers} writers, {killed} killed, {cut} connections cut"
        counted = judge(stand)
    figure = Figure(
        "books under many hands", f"{rate:.0f} operations/s", floor, 1.0, "", 1.0, counted
    )
    figure.tell()
    return figure


def write(stand: Stand, share: int, number: int) -> tuple[int, int]:
    """Until all have done their share, with a disturbance every now and then.

    There are as many kills as writers: a new one needs seconds to begin.
    """
    writers = {one: begin(stand, one, share) for one in range(number)}
    killed, cut, disturb_at = 0, 0, time.monotonic() + DISTURBED_EVERY
    while writers := going_on(stand, writers, share):
        time.sleep(0.05)
        if time.monotonic() < disturb_at:
            continue
        disturb_at = time.monotonic() + DISTURBED_EVERY
        if killed < number and random.random() < 0.3:
            random.choice(list(writers.values())).kill()
            killed += 1
        else:
            cut += cut_a_connection(stand)
    return killed, cut


def going_on(stand: Stand, writers: Writers, share: int) -> Writers:
    """Those who are not done. Who was killed begins again; anything else ends the bench."""
    for number, writer in list(writers.items()):
        if writer.poll() == 0:
            del writers[number]
        elif writer.poll() is not None:
            log = stand.folder / f"writer{number}.txt"
            assert writer.returncode == -signal.SIGKILL, log.read_text()[-2000:]
            writers[number] = begin(stand, number, share)
    return writers


def begin(stand: Stand, number: int, share: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.bench.books", "write", str(number), str(share)]
    with open(stand.folder / f"writer{number}.txt", "ab") as log:
        return subprocess.Popen(command, env=stand.environment, cwd=ROOT, stdout=log, stderr=log)


def cut_a_connection(stand: Stand) -> int:
    query = """SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()
               AND application_name = 'books' ORDER BY random() LIMIT 1) one"""
    return stand.rows(query)[0][0]


def judge(stand: Stand) -> str:
    """Every acknowledged change is booked once, every booked one was asked for."""
    lines = [line.split(" ") for path in stand.folder.glob("notes*") for line in notes(path)]
    asked = {line[1] for line in lines if line[0] == "ask"}
    done = {line[1]: line[2] for line in lines if line[0] == "done"}
    assert not [line for line in lines if line[0] == "deadlock"], "a deadlock"
    entries = dict(stand.rows("SELECT key, sum(delta) FROM billing_entry GROUP BY key"))
    lots = {key for (key,) in stand.rows("SELECT key FROM billing_lot")}
    there = {key for key in entries.keys() | lots if key.startswith(("books:", "gift:"))}
    assert not [k for k in done if k not in there and done[k] != "0" and not k.endswith("refund")]
    assert not there - asked, "in the books, and nobody asked for it"
    assert all(entries[key] == int(units) for key, units in done.items() if units not in ("", "0"))
    assert stand.rows("SELECT count(*) FROM billing_lot WHERE remaining < 0") == [(0,)]
    stand.manage("audit_ledger")
    return f"{len(asked)} asked, {len(done)} acknowledged, {len(there)} in the books"


# ── inside the studio's environment ───────────────────────────────────────────────────────────


def prepare() -> None:
    from billing import ledger
    from billing.models import Kind
    from telegram_integration.models import User

    for number in range(PEOPLE):
        account = ledger.open_account(User.objects.create_user(f"hand {number}").pk)
        ledger.grant(account, Kind.CREDIT, START, key=f"start:{number}", source="grant")


def write_share(number: int, share: int) -> None:
    """Until ``share`` changes were asked for. The notes say how far an earlier writer came; the
    last thing that it did is done once more."""
    from django.conf import settings

    path = Path(settings.DATA_DIR) / f"notes{number}.txt"
    lines = notes(path)
    asked.update(line for line in lines if line.startswith("ask "))
    thing = sum(line.startswith("end ") for line in lines)
    with path.open("a", buffering=1) as book:
        while len(asked) < share:
            repeat(number, thing, book)
            book.write(f"end {thing}\n")
            thing += 1


def notes(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def repeat(number: int, operation: int, book: TextIO) -> None:
    """Until it is answered. A connection that was cut leaves open whether it was done."""
    from django.db import InterfaceError, OperationalError, connection

    from billing.problem import Problem

    while True:
        luck = random.Random(f"{number}:{operation}")
        try:
            return luck.choices(ACTS, WEIGHTS)[0](f"books:{number}:{operation}", luck, book)
        except Problem as problem:
            return book.write(f"refused {problem.code}\n")
        except (OperationalError, InterfaceError) as error:
            if "deadlock" in str(error):
                book.write(f"deadlock {operation}\n")
            connection.close()


def note(book: TextIO, key: str, act: Callable[[], int | None]) -> None:
    """What is asked for, and once it is acknowledged, how much it moved (where that is known)."""
    book.write(f"ask {key}\n")
    asked.add(f"ask {key}")
    units = act()
    book.write(f"done {key} {'' if units is None else units}\n")


def charges(name: str, luck: random.Random, book: TextIO) -> None:
    from billing import ledger
    from billing.models import Price

    price = Price(tool="edit", credits=luck.choice([1, 2]), actions=1)
    user, count, key = someone(luck), luck.randint(1, 4), f"{name}:charge"

    def charge() -> int:
        return -ledger.charge(user, price, key=key, reason="bench", count=count).amount

    note(book, key, charge)
    if luck.random() < 0.4:
        note(book, f"{name}:refund", lambda: giving_back(user, name))


def giving_back(user: int, name: str) -> None:
    from billing import ledger

    ledger.refund(user, f"{name}:charge", key=f"{name}:refund", reason="bench")


def grants(name: str, luck: random.Random, book: TextIO) -> None:
    from billing.granting import Grant, grant_many
    from billing.models import Account

    accounts = Account.objects.filter(user__in={someone(luck), someone(luck)})
    for account in accounts.order_by("pk"):
        key = f"{name}:{account.pk}"
        one = Grant(account.pk, "credit", luck.randint(1, 9), key, "bench")
        note(book, key, lambda one=one: grant_many([one]) and None)


def withdrawals(name: str, luck: random.Random, book: TextIO) -> None:
    from billing import ledger

    user, units = someone(luck), luck.randint(1, 9)

    def withdraw() -> int:
        ledger.draw_credits(user, units, key=name, reason="bench")
        return -units

    note(book, name, withdraw)


def presents(name: str, luck: random.Random, book: TextIO) -> None:
    """Two accounts at once: whoever gives, and whoever takes."""
    from billing import gifts
    from billing.models import Account

    giver, taker = (Account.objects.get(user=someone(luck)) for _one in range(2))
    code, units = uuid.uuid5(uuid.NAMESPACE_URL, name), luck.randint(1, 9)
    token = []

    def give() -> int:
        token.append(gifts.give(giver, units, code=code).token)
        return -units

    note(book, f"gift:{code}:charge", give)
    note(book, f"gift:{code}:grant", lambda: gifts.take(taker, token[0]) and None)


def someone(luck: random.Random) -> int:
    """People's ids follow each other."""
    from telegram_integration.models import User

    global first
    first = first or User.objects.order_by("pk").values_list("pk", flat=True)[0]
    return first + luck.randrange(PEOPLE)


first = 0
asked: set[str] = set()
ACTS = (charges, grants, withdrawals, presents)
WEIGHTS = (12, 2, 2, 1)


def inside(act: str, *arguments: str) -> None:
    import django

    django.setup()
    prepare() if act == "prepare" else write_share(*map(int, arguments))


if __name__ == "__main__":
    if sys.argv[1:2] in (["prepare"], ["write"]):
        inside(*sys.argv[1:])
    else:
        main(*map(int, sys.argv[1:]))
