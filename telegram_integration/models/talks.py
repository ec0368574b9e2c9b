"""Where a conversation stands, so that a restart in the middle changes nothing."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from generation.models import Job, Photo
from telegram_integration.models.outbox import INLINE, OutgoingMessage


class Talk(models.Model):
    """What one person was last doing in one chat: which photos they sent, what is asked of them."""

    class Step(models.TextChoices):
        NOTHING = "", "nothing is asked"
        PERSON = "person", "a photo of the person"
        ITEM = "item", "a photo of the item"
        WORDS = "words", "what to change"
        IMAGINE = "imagine", "what to draw"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="talks"
    )
    chat_id = models.BigIntegerField()
    step = models.CharField(max_length=8, choices=Step.choices, blank=True)
    person = models.ForeignKey(
        Photo, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    base = models.ForeignKey(
        Photo, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="the picture that words are about",
    )  # fmt: skip
    album = models.CharField(max_length=64, blank=True, help_text="Telegram's id of the last album")
    words = models.TextField(blank=True, help_text="the caption under them")
    photos = models.JSONField(default=list, blank=True, help_text="codes of what was sent together")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "chat_id"], name="talk_once_in_a_chat")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.chat_id}: {self.step or 'nothing'}"


class ChatJob(models.Model):
    """Where a job was asked for, and the one message there that shows how it goes."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="in_chat")
    chat_id = models.BigIntegerField(null=True, blank=True)
    reply_to = models.BigIntegerField(null=True, blank=True)
    message = models.OneToOneField(
        OutgoingMessage, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    shown = models.CharField(max_length=500, blank=True)
    edits = models.PositiveSmallIntegerField(default=0)
    edit_at = models.DateTimeField(null=True, blank=True, help_text="when to look again")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["edit_at"], name="chat_job_to_edit", condition=Q(edit_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"job {self.job_id} in {self.chat_id}"

    @property
    def is_inline(self) -> bool:
        """Its message was sent by inline mode."""
        return (self.chat_id or 0) < INLINE
