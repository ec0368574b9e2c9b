"""What somebody wanted and could not pay for yet."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from generation.models.jobs import Job


class Errand(models.Model):
    """A request for a job that waits for money. It runs by itself, once, as soon as it is paid."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="errands"
    )
    request = models.JSONField(help_text="as the API was asked")
    job = models.OneToOneField(
        Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="errand"
    )
    error_code = models.CharField(max_length=32, blank=True, help_text="why it cannot be run")
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["created_at"], name="errand_open", condition=Q(ended_at=None))
        ]

    def __str__(self) -> str:
        return f"errand {self.code}"
