"""Plans: until when they run, and who renews them."""

from __future__ import annotations

from datetime import datetime
from datetime import timedelta as td

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from billing.models.accounts import Account
from billing.models.catalogue import Product

GRACE = td(days=5)  # a renewal that failed is tried again as long as this


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def running(self, now: datetime | None = None) -> SubscriptionQuerySet:
        return self.filter(ends_at__gt=now or timezone.now())

    def in_grace(self, now: datetime | None = None) -> SubscriptionQuerySet:
        """Ended, and their renewal is still being tried."""
        now = now or timezone.now()
        waiting = self.filter(renews=True, charge_at__isnull=False)
        return waiting.filter(ends_at__lte=now, ends_at__gt=now - GRACE)


class Subscription(models.Model):
    """A person's plan: one row for each account, which every purchase and renewal extends.

    ``product`` is what the next renewal buys. ``renews`` says whether there will be one.
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="subscription")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    gateway = models.CharField(max_length=16, help_text="which renews it")
    method = models.CharField(max_length=120, blank=True, help_text="saved at the gateway")
    renews = models.BooleanField(default=False)
    started_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0, help_text="failed charges of this renewal")
    charge_at = models.DateTimeField(null=True, blank=True, help_text="when to charge next")
    cancelled_at = models.DateTimeField(null=True, blank=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("started_at")), name="subscription_ends_after_its_start"
            )
        ]
        indexes = [
            models.Index(fields=["charge_at"], name="subscription_due", condition=Q(renews=True)),
            models.Index(fields=["ends_at"], name="subscription_ends"),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} of account {self.account_id} until {self.ends_at:%Y-%m-%d}"


class StandingOrder(models.Model):
    """A renewal that a gateway charges by itself, as Telegram does with Stars.

    ``wanted`` is what the person wants, ``known`` what the gateway was told: where they differ it
    is told at ``tell_at``, by the clock if need be.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="standing_orders")
    gateway = models.CharField(max_length=16)
    method = models.CharField(max_length=120, help_text="the charge that began it")
    wanted = models.BooleanField(default=True)
    known = models.BooleanField(default=True)
    tell_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    trouble = models.CharField(max_length=200, blank=True, help_text="what staff must look at")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["gateway", "method"], name="standing_order_once")
        ]
        indexes = [
            models.Index(
                fields=["tell_at"],
                name="standing_order_to_tell",
                condition=Q(tell_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.method[:16]} of account {self.account_id}"
