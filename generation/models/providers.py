"""Providers as staff see them: how each is used, who is asked first, what became of orders."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils import timezone

from generation.models.choices import Tool
from generation.models.jobs import Job


class ProviderSetting(models.Model):
    """How a provider is used. Secrets are not here: they come from the environment."""

    name = models.CharField(max_length=32, unique=True)
    enabled = models.BooleanField(default=True, help_text="off: no new order, in any process")
    base_url = models.CharField(
        max_length=200, blank=True, help_text="empty: the vendor's own address"
    )
    options = models.JSONField(default=dict, blank=True, help_text="model ids, limits, prices")
    concurrency = models.PositiveSmallIntegerField(default=0, help_text="orders at once; 0: any")
    per_minute = models.PositiveIntegerField(default=0, help_text="new orders a minute; 0: any")
    picture_cost = models.DecimalField(
        max_digits=9, decimal_places=4, default=Decimal(0),
        help_text="₽ a picture, where the vendor does not say",
    )  # fmt: skip
    balance = models.DecimalField(
        max_digits=14, decimal_places=4, null=True, blank=True,
        help_text="what our account there holds, in its own units, as it last said",
    )  # fmt: skip
    low_balance = models.DecimalField(
        max_digits=14, decimal_places=4, db_default=Decimal(0),
        help_text="below this the owner is told; 0: never",
    )  # fmt: skip

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Route(models.Model):
    """Which provider a tool asks, and in what order."""

    tool = models.CharField(max_length=16, choices=Tool.choices)
    provider = models.ForeignKey(ProviderSetting, on_delete=models.CASCADE, related_name="routes")
    order = models.PositiveSmallIntegerField(default=1, help_text="lowest first")

    class Meta:
        ordering = ["tool", "order", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["tool", "provider"], name="route_once_for_a_tool")
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.order}: {self.provider_id}"


class Attempt(models.Model):
    """One order to one provider, written before it is placed: a crash leaves it open."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="orders")
    provider = models.CharField(max_length=32)
    ref = models.CharField(max_length=500, blank=True)
    outcome = models.CharField(max_length=32, blank=True, help_text="done, or a failure's code")
    accepted = models.BooleanField(null=True, help_text="unknown where nobody can tell")
    detail = models.TextField(blank=True, help_text="the vendor's words, for staff")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["provider", "-started_at"], name="attempt_newest_first")]

    def __str__(self) -> str:
        return f"{self.provider} for {self.job_id}: {self.outcome or 'open'}"


class Alert(models.Model):
    """Something that only the owner can put right. Open until it is well again."""

    key = models.CharField(max_length=120, help_text="<thing>:<name>:<what>")
    text = models.TextField(help_text="for staff")
    times = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now, help_text="when it last happened")
    told_at = models.DateTimeField(null=True, blank=True)
    cleared_at = models.DateTimeField(null=True, blank=True)
    end_told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=Q(cleared_at=None), name="alert_open_once"
            )
        ]

    def __str__(self) -> str:
        return self.key


class Heartbeat(models.Model):
    """When a process last proved that it does its work, not merely that it runs."""

    name = models.CharField(max_length=120, unique=True)
    slots = models.PositiveSmallIntegerField(default=1, help_text="jobs it works on at once")
    beat_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.name
