"""The person's own books: each move of their units, in words, with what they had after it."""

from __future__ import annotations

from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing import words
from billing.models import Entry
from billing.words import Said


def moves(user_id: int) -> QuerySet[Entry]:
    """One row for each key, however many lots it drew from: ``moved`` in all, ``after`` it.

    ``after`` counts units of the same kind that had not expired by then.
    """
    same_key = Entry.objects.filter(key=OuterRef("key")).order_by().values("key")
    moved = same_key.annotate(sum=Sum("delta")).values("sum")
    mine = Entry.objects.filter(lot__account__user=user_id, part=0).select_related("lot__payment")
    return mine.annotate(moved=Subquery(moved), after=Coalesce(Subquery(_after()), 0))


def _after() -> QuerySet[Entry, Any]:
    earlier = Q(pk__lte=OuterRef("pk")) | Q(key=OuterRef("key"))
    alive = Q(lot__expires_at=None) | Q(lot__expires_at__gt=OuterRef("created_at"))
    same = Entry.objects.filter(
        earlier, alive, lot__account=OuterRef("lot__account"), lot__kind=OuterRef("lot__kind")
    )
    grouped = same.order_by().annotate(kind=F("lot__kind")).values("kind")
    return grouped.annotate(sum=Sum("delta")).values("sum")


def told(move: Entry) -> Said:
    """The line of a row of `moves`."""
    bought = getattr(move.lot, "payment", None) if move.key.startswith("lot:") else None
    return words.what_moved(move.reason, move.delta, bought.name if bought else "")
