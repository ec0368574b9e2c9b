"""Grants to many people at once: an action of the shop, a mistake made good to all of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from billing.moments import stored

Terms = tuple[str, int, str, datetime | None]
TOGETHER = 10_000
MANY = {
    "postgresql": "json_array_elements(%s::json) AS many (value)",
    "sqlite": "json_each(%s) AS many",
}
LOTS = """
    INSERT INTO billing_lot
    (account_id, key, kind, granted, remaining, source, expires_at, created_at)
    SELECT CAST(many.value ->> 0 AS bigint), many.value ->> 1, %s, %s, %s, %s, %s, %s FROM {many}
    WHERE true ON CONFLICT (key) DO NOTHING RETURNING id
"""
ENTRIES = """
    INSERT INTO billing_entry (lot_id, key, delta, part, reason, created_at)
    SELECT CAST(many.value ->> 0 AS bigint), 'lot:' || (many.value ->> 0) || ':grant',
    %s, 0, %s, %s FROM {many}
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
    alike: dict[Terms, list[tuple[int, str]]] = defaultdict(list)
    for one in grants:
        alike[one.terms].append((one.account_id, one.key))
    made = 0
    for terms in sorted(alike, key=str):
        ordered = sorted(alike[terms])
        for first in range(0, len(ordered), TOGETHER):
            made += _write(terms, ordered[first : first + TOGETHER])
    return made


@transaction.atomic
def _write(terms: Terms, accounts_and_keys: list[tuple[int, str]]) -> int:
    """The lots that are not there yet, and an entry for each that was made."""
    kind, units, source, expires_at = terms
    now, many = stored(timezone.now()), MANY[connection.vendor]
    lot = [kind, units, units, source, stored(expires_at), now]
    with connection.cursor() as cursor:
        # One list is one parameter: a value for each would take longer to write than to insert.
        cursor.execute(LOTS.format(many=many), [*lot, json.dumps(accounts_and_keys)])
        if made := cursor.fetchall():
            cursor.execute(ENTRIES.format(many=many), [units, source, now, json.dumps(made)])
    return len(made)
