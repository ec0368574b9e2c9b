"""Gifts: credits given away by a link. Not taken in time, they go back to the giver.

Whoever changes a gift holds the giver's lock, and the taker's where there is one.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from datetime import timedelta as td

from django.db import transaction
from django.utils import timezone

from billing import ledger
from billing.models import Account, Gift, Kind
from billing.problems import refused

KEPT = td(days=30)
LARGEST = 1_000  # credits
AT_ONCE = 200
FOR_NOTHING = ("welcome", "referral", "promo")
"""Sources of credits that cannot be given away: many accounts of one person would fill another."""


@transaction.atomic
def give(account: Account, units: int, *, code: uuid.UUID | None = None, words: str = "") -> Gift:
    """Put credits that somebody paid for into a link, once under ``code``.

    Raises NotEnough, or Problem.
    """
    code = code or uuid.uuid4()
    ledger.lock_accounts(account.pk)
    if given := Gift.objects.filter(code=code, giver=account).first():
        return given
    if not 1 <= units <= LARGEST:
        raise refused("gift_units", limit=LARGEST)
    gift = Gift.objects.create(
        code=code, giver=account, units=units, words=words[:200], expires_at=timezone.now() + KEPT
    )
    _draw(gift)
    return gift


def _draw(gift: Gift) -> None:
    giver = gift.giver.user_id
    try:
        ledger.draw_credits(
            giver, gift.units, key=gift.charge_key, reason="gift", sparing=FOR_NOTHING
        )
    except ledger.NotEnough:
        if ledger.balance(giver).credit < gift.units:
            raise
        raise refused("gift_for_nothing") from None


@transaction.atomic
def take(account: Account, token: str) -> Gift:
    """The gift of this link is this person's. The same person asking again has it already."""
    gift = _locked(token, account)
    if gift.giver_id == account.pk:
        raise refused("gift_own")
    if gift.taker_id == account.pk:
        return gift
    if gift.status == Gift.Status.TAKEN:
        raise refused("gift_taken", status=409)
    if gift.status == Gift.Status.RETURNED or gift.expires_at <= timezone.now():
        raise refused("gift_over", status=409)
    ledger.grant(account, Kind.CREDIT, gift.units, key=lot_key(gift), source="gift")
    return _end(gift, Gift.Status.TAKEN, taker=account)


def return_unused(now: datetime) -> int:
    """What nobody took in time goes back, each gift in a transaction of its own. Returns how many
    did."""
    late = Gift.objects.filter(status=Gift.Status.OPEN, expires_at__lte=now).order_by("expires_at")
    return sum(_give_back(gift) for gift in late[:AT_ONCE])


@transaction.atomic
def _give_back(late: Gift) -> bool:
    giver = ledger.lock_accounts(late.giver_id)[late.giver_id]
    gift = Gift.objects.get(pk=late.pk)
    if gift.status != Gift.Status.OPEN:
        return False
    ledger.refund(giver.user_id, gift.charge_key, key=refund_key(gift), reason="gift returned")
    _end(gift, Gift.Status.RETURNED)
    return True


def lot_key(gift: Gift) -> str:
    return f"gift:{gift.code}:grant"


def refund_key(gift: Gift) -> str:
    return f"gift:{gift.code}:refund"


def _locked(token: str, account: Account) -> Gift:
    """The gift as it is while both accounts are held."""
    giver = Gift.objects.filter(token=token).values_list("giver", flat=True).first()
    if giver is None:
        raise refused("gift_unknown", status=404)
    ledger.lock_accounts(giver, account.pk)
    return Gift.objects.get(token=token)


def _end(gift: Gift, status: str, taker: Account | None = None) -> Gift:
    gift.status, gift.taker, gift.ended_at = status, taker, timezone.now()
    gift.save(update_fields=["status", "taker", "ended_at"])
    return gift
