"""Grants to many people at once: an action of the shop, a mistake made good to all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice

from django.db import connection, transaction
from django.utils import timezone

from billing.drawing import stored

Terms = tuple[str, int, str, datetime | None]
TOGETHER = 5_000
LOTS = """
    INSERT INTO billing_lot
    (account_id, key, kind, granted, remaining, source, expires_at, created_at)
    SELECT column1, column2, %s, %s, %s, %s, %s, %s FROM (VALUES {rows}) AS many
    WHERE true ON CONFLICT (key) DO NOTHING RETURNING id
"""
ENTRIES = """
    INSERT INTO billing_entry (lot_id, key, delta, part, reason, created_at)
    SELECT column1, 'lot:' || column1 || ':grant', %s, 0, %s, %s FROM (VALUES {rows}) AS many
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """``units`` for one account, once under ``key``."""

    account_id: int
    kind: str
    units: int
    key: str
    source: str
    expires_at: datetime | None = None

    @property
    def terms(self) -> Terms:
        return self.kind, self.units, self.source, self.expires_at


def grant_many(grants: Iterable[Grant]) -> int:
    """Give to each once. Returns how many lots were made, which may be fewer than were asked for.

    Nothing is read, so no account is locked: a lot that exists is left alone, and only a new one
    gets an entry. Killed in the middle, some thousands are done and the next run does the rest.
    Two runs at once meet the keys in one order, so neither waits for what the other waits for.
    """
    ordered = sorted(grants, key=lambda one: (str(one.terms), one.account_id, one.key))
    made = 0
    for terms, alike in groupby(ordered, key=lambda one: one.terms):
        while some := [(one.account_id, one.key) for one in islice(alike, TOGETHER)]:
            made += _write(terms, some)
    return made


@transaction.atomic
def _write(terms: Terms, accounts_and_keys: list[tuple[int, str]]) -> int:
    """The lots that are not there yet, and an entry for each that was made."""
    kind, units, source, expires_at = terms
    now, expires_at = stored(timezone.now()), stored(expires_at)
    rows = ", ".join(["(%s, %s)"] * len(accounts_and_keys))
    values = [value for pair in accounts_and_keys for value in pair]
    with connection.cursor() as cursor:
        lot = [kind, units, units, source, expires_at, now]
        cursor.execute(LOTS.format(rows=rows), [*lot, *values])
        if made := [pk for (pk,) in cursor.fetchall()]:
            rows = ", ".join(["(%s)"] * len(made))
            cursor.execute(ENTRIES.format(rows=rows), [units, source, now, *made])
    return len(made)
