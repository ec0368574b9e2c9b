"""Payments and what follows from them: refunds, and what gateways tell of both."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.accounts import Account, Lot
from billing.models.catalogue import Product


class Currency(models.TextChoices):
    RUB = "RUB", "₽"
    XTR = "XTR", "⭐"


class Payment(models.Model):
    """One order, written before the gateway hears of it. What was sold is copied into it.

    ``idempotence_key`` is ours, fixed before the first call; ``gateway_id`` is theirs.
    """

    class Status(models.TextChoices):
        CREATED = "created", _("being prepared")
        PENDING = "pending", _("waiting for payment")
        SUCCEEDED = "succeeded", _("paid")
        CANCELED = "canceled", _("not paid")

    class Purpose(models.TextChoices):
        PURCHASE = "purchase", _("purchase")
        RENEWAL = "renewal", _("renewal")

    OPEN = (Status.CREATED, Status.PENDING)
    FINAL = (Status.SUCCEEDED, Status.CANCELED)

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="payments")
    gateway = models.CharField(max_length=16)
    purpose = models.CharField(max_length=16, choices=Purpose.choices, default=Purpose.PURCHASE)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.CREATED)
    idempotence_key = models.CharField(max_length=64, unique=True)
    gateway_id = models.CharField(max_length=200, null=True, blank=True)
    page = models.URLField(max_length=2048, blank=True, help_text="where it is paid")

    # what is sold
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="payments")
    sort = models.CharField(max_length=8, choices=Product.Sort.choices)
    name = models.CharField(max_length=64)
    units = models.PositiveIntegerField()
    days = models.PositiveSmallIntegerField(default=0)
    price = models.DecimalField(max_digits=9, decimal_places=2, help_text="before a discount")
    amount = models.DecimalField(max_digits=9, decimal_places=2)
    currency = models.CharField(max_length=3, choices=Currency.choices)

    # how
    contact = models.CharField(max_length=120, blank=True, help_text="for the receipt")
    save_method = models.BooleanField(default=False, help_text="the person agreed to renewals")
    method = models.CharField(max_length=120, blank=True, help_text="saved at the gateway")
    errand = models.UUIDField(null=True, blank=True, help_text="what goes on once it is paid")
    test = models.BooleanField(default=False, help_text="no real money moved")

    # what became of it
    lot = models.OneToOneField(
        Lot, null=True, blank=True, on_delete=models.PROTECT, related_name="payment"
    )
    fee = models.DecimalField(max_digits=9, decimal_places=2, default=Decimal(0))
    tax = models.DecimalField(max_digits=9, decimal_places=2, default=Decimal(0))
    refunded = models.DecimalField(max_digits=9, decimal_places=2, default=Decimal(0))
    reason = models.CharField(max_length=64, blank=True, help_text="why it was not paid, a code")
    receipt = models.CharField(max_length=16, blank=True, help_text="of the 54-FZ receipt")
    trouble = models.CharField(max_length=200, blank=True, help_text="what staff must look at")
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    checks = models.PositiveSmallIntegerField(default=0)
    check_at = models.DateTimeField(null=True, blank=True, help_text="when to ask the gateway next")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["gateway", "gateway_id"], name="payment_known_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_is_of_something"),
            models.CheckConstraint(
                condition=Q(status__in=("created", "pending", "succeeded", "canceled")),
                name="payment_status_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="succeeded") | Q(lot__isnull=False, settled_at__isnull=False),
                name="payment_that_was_made_gave_a_lot",
            ),
            models.CheckConstraint(
                condition=Q(refunded__gte=0) & Q(refunded__lte=F("amount")),
                name="payment_gives_back_what_was_paid",
            ),
            models.CheckConstraint(
                condition=Q(status="succeeded") | Q(lot=None), name="payment_unpaid_gives_nothing"
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-created_at"], name="payment_newest_first"),
            models.Index(
                fields=["check_at"], name="payment_to_check",
                condition=Q(status__in=("created", "pending")),
            ),
            models.Index(fields=["-settled_at"], name="payment_by_day"),
            models.Index(
                fields=["errand"], name="payment_errand", condition=Q(errand__isnull=False)
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.name}, {self.amount} {self.currency} ({self.status})"


class Refund(models.Model):
    """Money on its way back, and the units that went with it."""

    class Status(models.TextChoices):
        PENDING = "pending", _("on its way")
        SUCCEEDED = "succeeded", _("given back")
        CANCELED = "canceled", _("refused")

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    amount = models.DecimalField(max_digits=9, decimal_places=2)
    units = models.PositiveIntegerField(default=0, help_text="taken back from the purchase's lot")
    idempotence_key = models.CharField(max_length=64, unique=True)
    gateway_id = models.CharField(max_length=200, null=True, blank=True)
    reason = models.CharField(max_length=200)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    trouble = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_is_of_something"),
            models.UniqueConstraint(
                fields=["payment"], condition=Q(status="pending"), name="refund_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of payment {self.payment_id} ({self.status})"


class Notification(models.Model):
    """What a gateway says has happened: stored and answered at once, believed never.

    The same event about the same object is one row, however often and in whatever order it comes.
    """

    gateway = models.CharField(max_length=16)
    event = models.CharField(max_length=64)
    object_id = models.CharField(max_length=200)
    source = models.GenericIPAddressField()
    received_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)
    try_at = models.DateTimeField(default=timezone.now, null=True, blank=True)
    outcome = models.CharField(max_length=64, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "event", "object_id"], name="notification_once"
            )
        ]
        indexes = [
            models.Index(fields=["try_at"], name="notification_due", condition=Q(done_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.object_id}"
