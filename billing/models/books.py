"""Proof that the books balance, and that ours agree with the gateways'."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Audit(models.Model):
    """What a look through all the books found. Empty findings: they balance."""

    class Sort(models.TextChoices):
        LEDGER = "ledger", "our ledger"
        YOOKASSA = "yookassa", "against YooKassa"
        STARS = "stars", "against Telegram Stars"

    sort = models.CharField(max_length=16, choices=Sort.choices)
    findings = models.JSONField(default=list, blank=True)
    looked_at = models.PositiveIntegerField(default=0, help_text="rows")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["sort", "-started_at"], name="audit_newest_first")]

    def __str__(self) -> str:
        return f"{self.sort} {self.started_at:%Y-%m-%d %H:%M}: {len(self.findings)} findings"
