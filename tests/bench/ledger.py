"""Charges a second on one account and on many, against pgbench sending the same statements; and
grants to 100,000 people in one batch, against one plain INSERT of as many rows in each table.

Ours: four processes that call `ledger.charge` as a submit does. Floor: pgbench with four clients
and a script made of the very statements that `ledger.charge` sent (caught by an execute wrapper).
Rows are counted on both sides. Run: ``python -m tests.bench.ledger``.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from tests.bench.report import Figure
from tests.chaos.stand import Stand

ACCOUNTS = 500
CROWD = 100_000
CLIENTS = 4
SECONDS = 5
CREDITS = 1_000_000


def main() -> list[Figure]:
    figures = []
    with Stand("ledger", DJANGO_SETTINGS_MODULE="tests.bench.settings") as stand:
        script = json.loads(stand.python("-m", "tests.bench.ledger", "prepare"))
        for accounts, name, aim in ((1, "one account", 0.5), (ACCOUNTS, "many accounts", 0.15)):
            ours, booked = charge_rate(stand, accounts)
            floor, expected = pgbench_rate(stand, script, accounts)
            counted = f"{booked} entries by us, {expected} by pgbench"
            floor_text = f"pgbench, {len(script['statements'])} statements, {floor:.0f}/s"
            figures.append(Figure(f"charges on {name}", f"{ours:.0f}/s", floor_text,
                                  ours / floor, f">= {aim}", ours / floor, counted))  # fmt: skip
            figures[-1].tell()
        figures.append(grant_rate(stand))
        figures[-1].tell()
        stand.manage("audit_ledger")
    return figures


def charge_rate(stand: Stand, accounts: int) -> tuple[float, int]:
    before = entries(stand)
    command = [sys.executable, "-m", "tests.bench.ledger", "charge", str(accounts)]
    workers = [subprocess.Popen(command, env=stand.environment, stdout=subprocess.PIPE)
               for _client in range(CLIENTS)]  # fmt: skip
    rates = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]
    booked = entries(stand) - before
    assert booked == sum(rate["charges"] for rate in rates)
    return booked / SECONDS, booked


def pgbench_rate(stand: Stand, script: dict[str, Any], accounts: int) -> tuple[float, int]:
    before = entries(stand)
    path = stand.folder / f"charge{accounts}.sql"
    lines = [f"\\set which random(0, {accounts - 1})", "\\set key random(1, 1000000000000)"]
    for name, first in script["first"].items():
        lines.append(f"\\set {name} :which + {first}")
    path.write_text("\n".join([*lines, *(f"{one};" for one in script["statements"]), ""]))
    done = subprocess.run(
        ["pgbench", "-n", "-M", "simple", "-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS),
         "-f", str(path), stand.database_url],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    rate = float(re.search(r"tps = ([\d.]+)", done.stdout)[1])
    made = int(re.search(r"actually processed: (\d+)", done.stdout)[1])
    booked = entries(stand) - before
    assert booked == made, done.stdout + done.stderr
    return rate, booked


def grant_rate(stand: Stand) -> Figure:
    """Entries a second. The same batch again must make nothing."""
    told = json.loads(stand.python("-m", "tests.bench.ledger", "grant"))
    ((lots, booked),) = stand.rows(
        "SELECT (SELECT count(*) FROM billing_lot WHERE source = 'crowd'), "
        "(SELECT count(*) FROM billing_entry WHERE reason = 'crowd')"
    )
    assert (lots, booked, told["again"]) == (CROWD, CROWD, 0), (lots, booked, told)
    ours, floor = CROWD / told["seconds"], CROWD / plain_insert_seconds(stand)
    return Figure(
        "grants in one batch", f"{ours:.0f} entries/s, each with its lot",
        f"plain INSERT of as many rows in both tables {floor:.0f}/s", ours / floor, ">= 50000",
        ours, f"{lots} lots, {booked} entries; asked for again: {told['again']}",
    )  # fmt: skip


def plain_insert_seconds(stand: Stand) -> float:
    """Into copies of both tables with all their indexes, by statements that read nothing."""
    numbers = f"FROM generate_series(1, {CROWD}) n"
    statements = [
        "CREATE TABLE lots (LIKE billing_lot INCLUDING ALL)",
        "CREATE TABLE entries (LIKE billing_entry INCLUDING ALL)",
        "INSERT INTO lots (id, account_id, kind, granted, remaining, source, key, created_at) "
        f"SELECT n, n, 'credit', 7, 7, 'crowd', 'crowd:' || n, now() {numbers}",
        "INSERT INTO entries (id, lot_id, delta, key, part, reason, created_at) "
        f"SELECT n, n, 7, 'lot:' || n || ':grant', 0, 'crowd', now() {numbers}",
    ]
    with psycopg.connect(stand.database_url, autocommit=True) as connection:
        for statement in statements[:2]:
            connection.execute(statement)
        begun = time.perf_counter()
        for statement in statements[2:]:
            connection.execute(statement)
        return time.perf_counter() - begun


def entries(stand: Stand) -> int:
    return stand.rows("SELECT count(*) FROM billing_entry WHERE delta < 0")[0][0]


# ── inside the studio's environment ───────────────────────────────────────────────────────────


def prepare() -> dict[str, Any]:
    """Accounts with a lot each, ids in a row; then the statements of one charge as a script."""
    from billing.models import Account, Entry, Kind, Lot
    from telegram_integration.models import User

    start_apart()
    users = User.objects.bulk_create(User(username=f"rich{n}") for n in range(ACCOUNTS))
    accounts = Account.objects.bulk_create(Account(user=user) for user in users)
    lots = Lot.objects.bulk_create(
        Lot(account=a, kind=Kind.CREDIT, granted=CREDITS, remaining=CREDITS, source="grant",
            key=f"rich:{a.pk}") for a in accounts
    )  # fmt: skip
    Entry.objects.bulk_create(
        Entry(lot=lot, delta=CREDITS, key=f"lot:{lot.pk}:grant", reason="grant") for lot in lots
    )
    first = {"user": users[0].pk, "account": accounts[0].pk, "lot": lots[0].pk}
    return {"first": first, "statements": statements_of_a_charge(first)}


def start_apart() -> None:
    """Ids of users, accounts and lots that cannot be taken for another number in a statement."""
    from django.db import connection

    tables = ("telegram_integration_user", "billing_account", "billing_lot")
    with connection.cursor() as cursor:
        for table, start in zip(tables, (100_000, 200_000, 300_000), strict=True):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {start})")


def statements_of_a_charge(ids: dict[str, int]) -> list[str]:
    from django.db import connection

    from billing import ledger
    from billing.models import Price

    sent: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append((sql, params))
        return execute(sql, params, many, context)

    price = Price.objects.get(tool="imagine")
    with connection.execute_wrapper(note):
        ledger.charge(ids["user"], price, key="the-key", reason="imagine")
    names = {value: f":{name}" for name, value in ids.items()} | {"the-key": "'pgbench:' || :key"}
    return ["BEGIN", *(one_line(sql, params, names) for sql, params in sent), "COMMIT"]


def one_line(sql: str, params: Any, names: dict[Any, str]) -> str:
    """The statement with its values, or with a variable where the value is whose turn it is."""
    values = tuple(names.get(value) or literal(value) for value in params or ())
    return " ".join((sql % values if values else sql).split())


def literal(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def grant() -> dict[str, float]:
    """A batch for CROWD people who are there already, and the same batch again."""
    from billing.granting import Grant, grant_many
    from billing.models import Account, Kind
    from telegram_integration.models import User

    users = User.objects.bulk_create(
        (User(username=f"one of many {n}") for n in range(CROWD)), 5000
    )
    accounts = Account.objects.bulk_create((Account(user=user) for user in users), 5000)
    batch = [Grant(a.pk, Kind.CREDIT, 7, f"crowd:{a.pk}", "crowd") for a in accounts]
    begun = time.perf_counter()
    made = grant_many(batch)
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "made": made, "again": grant_many(batch)}


def charge(accounts: int) -> dict[str, int]:
    """As many charges as one process can make in SECONDS."""
    from django.db import connection

    from billing import ledger
    from billing.models import Account, Price

    price = Price.objects.get(tool="imagine")
    users = list(Account.objects.order_by("pk").values_list("user", flat=True)[:accounts])
    connection.ensure_connection()
    charges, name = 0, random.getrandbits(60)
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        ledger.charge(random.choice(users), price, key=f"{name}:{charges}", reason="imagine")
        charges += 1
    return {"charges": charges}


def inside(act: str, *arguments: str) -> None:
    import django

    django.setup()
    acts = {"prepare": prepare, "charge": charge, "grant": grant}
    print(json.dumps(acts[act](*map(int, arguments))))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        inside(*sys.argv[1:])
    elif shutil.which("pgbench") or Path("/usr/bin/pgbench").exists():
        main()
    else:
        sys.exit("pgbench is not here: apt-get install postgresql")
