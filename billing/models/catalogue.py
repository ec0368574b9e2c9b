"""What is sold, and what tools cost."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.accounts import Kind


class Price(models.Model):
    """What one picture or turn of a tool costs, in credits or in plan and free actions."""

    tool = models.CharField(max_length=16, unique=True)
    credits = models.PositiveSmallIntegerField()
    actions = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return f"{self.tool}: {self.credits} credits or {self.actions} actions"

    def amount(self, kind: str, count: int = 1) -> int:
        """How many units of ``kind`` pay for ``count`` pictures."""
        return (self.credits if kind == Kind.CREDIT else self.actions) * count


class ProductQuerySet(models.QuerySet["Product"]):
    def on_sale(self, now: datetime | None = None) -> ProductQuerySet:
        """What can be bought now."""
        now = now or timezone.now()
        begun = Q(on_sale_from=None) | Q(on_sale_from__lte=now)
        not_over = Q(on_sale_until=None) | Q(on_sale_until__gt=now)
        return self.filter(begun, not_over, active=True)


class Product(models.Model):
    """Something that is sold: a plan of 30 days or a pack of credits.

    What was already sold stands in its payment, so editing a row changes no earlier purchase.
    """

    class Sort(models.TextChoices):
        PLAN = "plan", _("plan")
        PACK = "pack", _("pack")

    code = models.SlugField(unique=True)
    sort = models.CharField(max_length=8, choices=Sort.choices)
    name = models.CharField(max_length=64)
    rubles = models.DecimalField(max_digits=9, decimal_places=2)
    stars = models.PositiveIntegerField(null=True, blank=True)
    units = models.PositiveIntegerField(help_text="credits of a pack, actions of a plan")
    days = models.PositiveSmallIntegerField(default=0, help_text="0: never expires")
    active = models.BooleanField(default=True)
    on_sale_from = models.DateTimeField(null=True, blank=True)
    on_sale_until = models.DateTimeField(null=True, blank=True)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["rubles"]
        constraints = [
            models.CheckConstraint(condition=Q(rubles__gt=0), name="product_costs_something"),
            models.CheckConstraint(condition=Q(units__gt=0), name="product_gives_something"),
            models.CheckConstraint(
                condition=~Q(sort="plan") | Q(days__gt=0), name="product_plan_has_days"
            ),
            models.CheckConstraint(
                condition=Q(on_sale_until=None)
                | Q(on_sale_from=None)
                | Q(on_sale_until__gt=F("on_sale_from")),
                name="product_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.rubles} ₽"
