"""Invitations: a friend is bound once, and their first picture thanks the inviter once.

Where it looks like somebody inviting themselves, the thanks wait for staff.
"""

from __future__ import annotations

import logging
from datetime import timedelta as td
from typing import Any

from django.db import transaction
from django.utils import timezone

from billing import ledger
from billing.models import Account, Entry, Kind, Referral
from billing.problems import refused

THANKS = 10  # credits
FRESH = td(days=1)
FRIENDS_A_DAY = 10
START = "ref_"  # how the code stands in a start parameter

logger = logging.getLogger(__name__)


def code_in(start_param: str) -> str:
    """The invite code of a link's start parameter; empty where it is another kind of link."""
    return start_param.removeprefix(START) if start_param.startswith(START) else ""


@transaction.atomic
def bind(friend_user_id: int, code: str) -> bool:
    """This newcomer was invited by the owner of this code. Returns whether that counts.

    Only a fresh account counts: a day old at most, nothing spent, nobody invited yet. That last
    one makes a loop impossible. One's own code, an unknown one and a second one count for nothing.
    """
    friend = Account.objects.filter(user=friend_user_id).first()
    inviter = Account.objects.filter(invite_code=code.lower()).first() if code.isalnum() else None
    if friend is None or inviter is None or friend == inviter:
        return False
    ledger.lock_accounts(friend.pk, inviter.pk)
    if not _is_fresh(friend):
        return False
    Referral.objects.create(inviter=inviter, friend=friend, suspicion=_suspicion(inviter))
    return True


def first_picture(user_id: int) -> None:
    """This person has a picture: whoever invited them is thanked, if they were not yet.

    In the transaction that ends the job.
    """
    waiting = Referral.objects.filter(friend__user=user_id, earned_at=None)
    for referral in waiting:
        ledger.lock_accounts(referral.inviter_id)
        if waiting.filter(pk=referral.pk).update(earned_at=timezone.now()):
            referral.refresh_from_db()
            _thank(referral)


@transaction.atomic
def approve(referral: Referral, author: Any) -> Referral:
    """Staff find nothing wrong with it: thank the inviter now, or once the picture is there."""
    ledger.lock_accounts(referral.inviter_id)
    referral.refresh_from_db()
    if not referral.suspicion:
        raise refused("referral_settled", status=409)
    logger.info("referral %s (%s) approved by %s", referral.pk, referral.suspicion, author.pk)
    referral.suspicion = ""
    referral.save(update_fields=["suspicion"])
    _thank(referral)
    return referral


def lot_key(referral: Referral) -> str:
    return f"referral:{referral.pk}"


def _thank(referral: Referral) -> None:
    if referral.earned_at and not referral.suspicion and not referral.lot_id:
        referral.lot = ledger.grant(
            referral.inviter, Kind.CREDIT, THANKS, key=lot_key(referral), source="referral"
        )
        referral.save(update_fields=["lot"])


def _is_fresh(account: Account) -> bool:
    if timezone.now() - account.created_at > FRESH:
        return False
    knows = Referral.objects.filter(friend=account) | Referral.objects.filter(inviter=account)
    spent = Entry.objects.filter(lot__account=account, delta__lt=0)
    return not knows.exists() and not spent.exists()


def _suspicion(inviter: Account) -> str:
    """Rings of fresh accounts, and more friends in a day than people have."""
    day_ago = timezone.now() - FRESH
    if inviter.created_at > day_ago and Referral.objects.filter(friend=inviter).exists():
        return "fresh_ring"
    friends = Referral.objects.filter(inviter=inviter, created_at__gt=day_ago).count()
    return "many_at_once" if friends >= FRIENDS_A_DAY else ""
