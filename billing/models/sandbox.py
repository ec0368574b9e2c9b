"""What the sandbox gateway knows: the books of somebody else, who happens to live here."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone


class SandboxPayment(models.Model):
    """An order at the sandbox. Nothing of ours points to it, as with any outside gateway."""

    gateway_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    key = models.CharField(max_length=64, unique=True, help_text="of idempotence")
    order = models.CharField(max_length=64, help_text="what the shop calls it")
    description = models.CharField(max_length=128)
    amount = models.DecimalField(max_digits=9, decimal_places=2, help_text="what was ordered")
    paid = models.DecimalField(max_digits=9, decimal_places=2, null=True, blank=True)
    refunds = models.JSONField(default=dict, help_text="amounts by their keys of idempotence")
    status = models.CharField(max_length=16, default="pending")
    due_at = models.DateTimeField(null=True, blank=True, help_text="when it will be paid by itself")
    save_method = models.BooleanField(default=False)
    method = models.CharField(max_length=120, blank=True)
    back = models.CharField(max_length=2048, help_text="where the person goes afterwards")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=("pending", "succeeded", "canceled")),
                name="sandbox_status_is_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount} for {self.order} ({self.status})"
