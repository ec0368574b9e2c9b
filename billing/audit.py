"""What is wrong with the books. The database refuses most of it; this looks for the rest."""

from __future__ import annotations

from django.db.models import F, Q, Sum

from billing.models import Entry, Lot, unbalanced_lots


def findings() -> list[str]:
    """One sentence for each thing that must not be. Empty: the books balance."""
    return [*_lots_that_do_not_add_up(), *_lots_without_a_grant(), *_refunds_unlike_their_charge()]


def _lots_that_do_not_add_up() -> list[str]:
    return [
        f"lot {lot.pk}: {lot.remaining} left, but its entries add up to {lot.booked}"
        for lot in unbalanced_lots()
    ]


def _lots_without_a_grant() -> list[str]:
    granted = Entry.objects.filter(key__startswith="lot:", key__endswith=":grant")
    orphans = Lot.objects.exclude(pk__in=granted.values("lot"))
    wrong = granted.exclude(delta=F("lot__granted"))
    return [f"lot {lot.pk}: has no grant" for lot in orphans] + [
        f"lot {entry.lot_id}: was granted otherwise than its entry says" for entry in wrong
    ]


def _refunds_unlike_their_charge() -> list[str]:
    """Keys are `<thing>:<id>:charge` and `<thing>:<id>:refund`; both must move the same units."""
    moved = {
        row["key"]: row["units"]
        for row in Entry.objects.filter(Q(key__endswith=":charge") | Q(key__endswith=":refund"))
        .values("key")
        .annotate(units=Sum("delta"))
        .order_by()
    }
    return [
        f"{key}: {units:+d}, but its charge moved {moved.get(_charge_of(key), 0):+d}"
        for key, units in moved.items()
        if key.endswith(":refund") and moved.get(_charge_of(key), 0) != -units
    ]


def _charge_of(refund_key: str) -> str:
    return refund_key.removesuffix("refund") + "charge"
