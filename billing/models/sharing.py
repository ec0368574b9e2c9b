"""Invitations, promo codes and gifts."""

from __future__ import annotations

import secrets
import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.accounts import Account, Lot
from billing.models.payments import Payment


def new_gift_token() -> str:
    return secrets.token_urlsafe(16)


class Referral(models.Model):
    """Who invited whom. A friend is bound once, and the inviter is thanked once."""

    inviter = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="friends")
    friend = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="invited_by")
    suspicion = models.CharField(max_length=64, blank=True, help_text="staff decide; empty: none")
    created_at = models.DateTimeField(default=timezone.now)
    earned_at = models.DateTimeField(null=True, blank=True, help_text="the friend's first picture")
    lot = models.OneToOneField(
        Lot, null=True, blank=True, on_delete=models.PROTECT, related_name="referral"
    )
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(inviter=F("friend")), name="referral_of_somebody_else"
            ),
            models.CheckConstraint(
                condition=Q(lot=None) | Q(earned_at__isnull=False),
                name="referral_is_thanked_when_earned",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.inviter_id} invited {self.friend_id}"


class Promo(models.Model):
    """A code that gives credits, or takes some percent off a purchase."""

    class Sort(models.TextChoices):
        CREDITS = "credits", _("credits")
        PERCENT = "percent", _("percent off")

    code = models.CharField(max_length=32, unique=True, help_text="in any case")
    sort = models.CharField(max_length=8, choices=Sort.choices)
    value = models.PositiveIntegerField()
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)
    limit = models.PositiveIntegerField(default=0, help_text="people; 0: any")
    active = models.BooleanField(default=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(Upper("code"), name="promo_code_in_any_case"),
            models.CheckConstraint(condition=Q(value__gt=0), name="promo_gives_something"),
            models.CheckConstraint(
                condition=~Q(sort="percent") | Q(value__lte=90), name="promo_leaves_a_price"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class PromoUse(models.Model):
    """Somebody used a code: once for each person. A discount counts when its payment is made, and
    is free again when that payment comes to nothing."""

    promo = models.ForeignKey(Promo, on_delete=models.PROTECT, related_name="uses")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="promos")
    payment = models.OneToOneField(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="promo_use"
    )
    lot = models.OneToOneField(
        Lot, null=True, blank=True, on_delete=models.PROTECT, related_name="promo_use"
    )
    created_at = models.DateTimeField(default=timezone.now)
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["promo", "account"], condition=Q(released_at=None), name="promo_once_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self.promo_id} by {self.account_id}"


class Gift(models.Model):
    """Credits given away by a link. Unused, they go back to the giver."""

    class Status(models.TextChoices):
        OPEN = "open", _("waiting")
        TAKEN = "taken", _("taken")
        RETURNED = "returned", _("went back")

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    token = models.CharField(max_length=32, unique=True, default=new_gift_token)
    giver = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="gifts")
    taker = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.PROTECT, related_name="gifts_taken"
    )
    units = models.PositiveIntegerField()
    words = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(units__gt=0), name="gift_of_something"),
            models.CheckConstraint(
                condition=Q(status="taken", taker__isnull=False)
                | (~Q(status="taken") & Q(taker=None)),
                name="gift_taken_by_somebody",
            ),
            models.CheckConstraint(condition=~Q(giver=F("taker")), name="gift_to_somebody_else"),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="gift_to_return", condition=Q(status="open"))
        ]

    def __str__(self) -> str:
        return f"{self.units} from {self.giver_id} ({self.status})"

    @property
    def charge_key(self) -> str:
        return f"gift:{self.code}:charge"
