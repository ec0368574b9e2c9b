"""What is wrong with the books. The database refuses most of it; this looks for the rest."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Max, Min, Q
from django.utils import timezone
from django.utils.module_loading import import_string

from billing.audit import purchases, sharing
from billing.models import Audit, Entry, Lot, unbalanced_lots

KEPT = 1_000  # findings in one row
logger = logging.getLogger(__name__)

# What comes back is exactly what was taken: keys are `<thing>:<id>:<act>`, in pairs of acts.
PAIRS = {"refund": "charge", "back": "take"}
UNLIKE = """
    SELECT back.key, back.units, COALESCE(SUM(entry.delta), 0)
    FROM (
        SELECT key, SUM(delta) AS units, SUBSTR(key, 1, LENGTH(key) - {length}) || %s AS taken
        FROM billing_entry WHERE key LIKE %s GROUP BY key
    ) back LEFT JOIN billing_entry entry ON entry.key = back.taken
    GROUP BY back.key, back.units HAVING COALESCE(SUM(entry.delta), 0) <> -back.units
"""


def look() -> Audit:
    """Look through all the books, those of other rooms too, and write down what was found."""
    audit = Audit.objects.create(sort=Audit.Sort.LEDGER)
    found = set(_all_findings())
    if found:  # what somebody was just changing is right at a second look
        found &= set(_all_findings())
    lines = sorted(found)
    audit.findings, audit.looked_at = lines[:KEPT], Entry.objects.count() + Lot.objects.count()
    audit.ended_at = timezone.now()
    audit.save()
    if lines:
        logger.error("the books do not balance: %d findings, first %s", len(lines), lines[:5])
    return audit


def _all_findings() -> Iterator[str]:
    for path in settings.AUDITS:
        yield from import_string(path)()


def findings() -> list[str]:
    """One sentence for each thing that must not be. Empty: the books balance."""
    return [
        *_lots_that_do_not_add_up(),
        *_lots_out_of_bounds(),
        *_lots_without_a_grant(),
        *_entries_without_a_lot(),
        *_keys_used_for_two_things(),
        *_returns_unlike_what_was_taken(),
        *purchases.findings(),
        *sharing.findings(),
    ]


def _lots_that_do_not_add_up() -> Iterator[str]:
    for lot in unbalanced_lots():
        yield f"lot {lot.pk}: {lot.remaining} left, but its entries add up to {lot.booked}"


def _lots_out_of_bounds() -> Iterator[str]:
    for lot in Lot.objects.filter(Q(remaining__lt=0) | Q(remaining__gt=F("granted"))):
        yield f"lot {lot.pk}: {lot.remaining} left of {lot.granted}"


def _lots_without_a_grant() -> Iterator[str]:
    granted = Entry.objects.filter(key__startswith="lot:", key__endswith=":grant")
    for lot in Lot.objects.exclude(pk__in=granted.values("lot")):
        yield f"lot {lot.pk}: has no grant"
    for entry in granted.exclude(delta=F("lot__granted")):
        yield f"lot {entry.lot_id}: was granted otherwise than its entry says"


def _entries_without_a_lot() -> Iterator[str]:
    for entry in Entry.objects.exclude(lot__in=Lot.objects.all()):
        yield f"entry {entry.pk}: its lot {entry.lot_id} does not exist"


def _keys_used_for_two_things() -> Iterator[str]:
    """A key is one move of one person in one direction, in as many parts as it has lots."""
    moves = Entry.objects.values("key").order_by()
    mixed = moves.annotate(
        people=Count("lot__account", distinct=True), least=Min("delta"), most=Max("delta")
    ).filter(Q(people__gt=1) | Q(least__lt=0, most__gt=0))
    for move in mixed:
        yield f"{move['key']}: used for {move['people']} people, {move['least']} to {move['most']}"


def _returns_unlike_what_was_taken() -> Iterator[str]:
    with connection.cursor() as cursor:
        for back, taken in PAIRS.items():
            cursor.execute(UNLIKE.format(length=len(back)), [taken, f"%:{back}"])
            for key, units, drawn in cursor.fetchall():
                yield f"{key}: {units:+d}, but its {taken} moved {drawn:+d}"
