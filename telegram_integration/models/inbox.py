"""What Telegram told the bot, and who may listen."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Incoming(models.Model):
    """One update, stored before anybody looks at it. Answered in one transaction, once."""

    update_id = models.BigIntegerField(unique=True)
    telegram_id = models.BigIntegerField(help_text="whose; they are answered in order")
    data = models.JSONField()
    received_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)
    trouble = models.CharField(max_length=200, blank=True, help_text="for staff")
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-update_id"]
        verbose_name_plural = "incoming"
        indexes = [
            models.Index(fields=["update_id"], name="incoming_open", condition=Q(done_at=None)),
            models.Index(fields=["received_at"], name="incoming_by_age"),
        ]

    def __str__(self) -> str:
        return f"update {self.update_id}"


class Lease(models.Model):
    """Who does something that only one process may do; without word from it, until ``until``."""

    name = models.CharField(max_length=64, unique=True)
    holder = models.CharField(max_length=120)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"
