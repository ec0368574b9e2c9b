"""What must be true of invitations, promo codes and gifts together with their lots."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import F, Q

from billing import gifts, referrals
from billing.audit.moves import in_parts, moves
from billing.models import Gift, Kind, Lot, Promo, PromoUse, Referral


def findings() -> Iterator[str]:
    yield from _referrals_unlike_their_lot()
    yield from _promos_unlike_their_lot()
    yield from _gifts_unlike_their_moves()


def _referrals_unlike_their_lot() -> Iterator[str]:
    due = Referral.objects.filter(earned_at__isnull=False, suspicion="")
    for referral in due.filter(lot=None):
        yield f"referral {referral.pk}: was earned, and the inviter was not thanked"
    thanked = Referral.objects.exclude(lot=None)
    right = Q(lot__granted=referrals.THANKS, lot__kind=Kind.CREDIT, lot__account=F("inviter"))
    for referral in thanked.exclude(right):
        yield f"referral {referral.pk}: its lot {referral.lot_id} is not the inviter's thanks"
    lots = Lot.objects.filter(key__startswith="referral:")
    for lot in lots.exclude(pk__in=thanked.values("lot")):
        yield f"lot {lot.pk}: {lot.key} is of no invitation"


def _promos_unlike_their_lot() -> Iterator[str]:
    of_credits = PromoUse.objects.filter(promo__sort=Promo.Sort.CREDITS)
    for use in of_credits.filter(lot=None):
        yield f"promo use {use.pk}: gave nothing"
    with_lot = PromoUse.objects.exclude(lot=None)
    right = Q(promo__sort=Promo.Sort.CREDITS, lot__account=F("account"), lot__kind=Kind.CREDIT)
    for use in with_lot.exclude(right):
        yield f"promo use {use.pk}: its lot {use.lot_id} is somebody else's"
    lots = Lot.objects.filter(key__startswith="promo:")
    for lot in lots.exclude(pk__in=with_lot.values("lot")):
        yield f"lot {lot.pk}: {lot.key} is of no promo code"


def _gifts_unlike_their_moves() -> Iterator[str]:
    """Every gift was paid for; what was taken is the taker's, what went back is the giver's."""
    for some in in_parts(Gift.objects.order_by("pk")):
        moved = moves(key for gift in some for key in (gift.charge_key, gifts.refund_key(gift)))
        lots = {lot.key: lot for lot in Lot.objects.filter(key__in=map(gifts.lot_key, some))}
        for gift in some:
            back = gift.units if gift.status == Gift.Status.RETURNED else 0
            if (-moved[gift.charge_key], moved[gifts.refund_key(gift)]) != (gift.units, back):
                yield f"gift {gift.code}: {gift.units} units, but its moves say otherwise"
            lot = lots.get(gifts.lot_key(gift))
            given = (lot.account_id, lot.granted) if lot else (None, None)
            taken = gift.status == Gift.Status.TAKEN
            if given != ((gift.taker_id, gift.units) if taken else (None, None)):
                yield f"gift {gift.code}: is {gift.status}, but its lot says otherwise"
