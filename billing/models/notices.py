"""What a person must hear of their money, without having asked."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.models.accounts import Account


class Notice(models.Model):
    """Shown on the pages until the person closes it, and told once in the chat.

    ``data`` is what its words are made of, see `words.notice`. One that is out of date is closed:
    it is neither shown nor told any more.
    """

    class Sort(models.TextChoices):
        PLAN_ENDS = "plan_ends", "the plan ends"
        PLAN_RENEWS = "plan_renews", "the plan will be renewed"
        RENEWAL_FAILED = "renewal_failed", "a renewal failed and is tried again"
        RENEWAL_OVER = "renewal_over", "a renewal failed for good"

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="notices")
    sort = models.CharField(max_length=16, choices=Sort.choices)
    key = models.CharField(max_length=120, unique=True)
    data = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    sort__in=("plan_ends", "plan_renews", "renewal_failed", "renewal_over")
                ),
                name="notice_sort_is_known",
            )
        ]
        indexes = [
            models.Index(fields=["account"], name="notice_open", condition=Q(closed_at=None)),
            models.Index(
                fields=["id"], name="notice_to_tell", condition=Q(closed_at=None, told_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sort} for account {self.account_id}"
