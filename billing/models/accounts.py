"""Accounts, lots and entries: what people have, and every movement of it."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

INVITE_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that looks like something else


def new_invite_code() -> str:
    return "".join(secrets.choice(INVITE_ALPHABET) for _letter in range(8))


class Kind(models.TextChoices):
    """What a lot holds, in the order in which it is spent."""

    PLAN = "plan", _("plan action")
    CREDIT = "credit", _("credit")
    FREE = "free", _("free action")


class Account(models.Model):
    """One for each person: the row that every change of their money locks."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="account"
    )
    invite_code = models.CharField(max_length=16, unique=True, default=new_invite_code)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"account of {self.user_id}"


class LotQuerySet(models.QuerySet["Lot"]):
    def live(self, now: datetime | None = None) -> LotQuerySet:
        """Lots that can still be spent."""
        now = now or timezone.now()
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), remaining__gt=0)

    def that_count(self) -> LotQuerySet:
        """Live lots, and those of plans and free periods that are spent but still run."""
        now = timezone.now()
        running = Q(expires_at=None) | Q(expires_at__gt=now)
        return self.filter(running).filter(Q(remaining__gt=0) | ~Q(kind=Kind.CREDIT))


class Lot(models.Model):
    """What was granted at once, and what is left of it."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="lots")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    granted = models.PositiveIntegerField()
    remaining = models.PositiveIntegerField()
    source = models.CharField(max_length=32, help_text="welcome, free, grant, a product's code")
    key = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = LotQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="lot_key_once"),
            models.CheckConstraint(condition=Q(granted__gt=0), name="lot_grants_something"),
            models.CheckConstraint(
                condition=Q(remaining__gte=0) & Q(remaining__lte=F("granted")),
                name="lot_remaining_between_zero_and_granted",
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="lot_kind_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.remaining} of {self.granted} {self.kind} ({self.source})"


class Entry(models.Model):
    """A movement on a lot. Only ever added: a mistake is mended by another entry.

    A charge that draws from several lots writes several parts under one key.
    """

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="entries")
    delta = models.IntegerField()
    key = models.CharField(max_length=120, help_text="<thing>:<id>:<act>")
    part = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=["key", "part"], name="entry_key_once"),
            models.CheckConstraint(condition=~Q(delta=0), name="entry_moves_something"),
        ]

    def __str__(self) -> str:
        return f"{self.delta:+d} {self.key}"


def unbalanced_lots() -> models.QuerySet[Lot]:
    """Lots whose entries do not add up to what is left."""
    return Lot.objects.annotate(booked=Sum("entries__delta", default=0)).exclude(
        booked=F("remaining")
    )
