"""Conversations about a picture, and the prompts that staff may edit."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from generation.models.choices import PROMPT_LIMIT
from generation.models.jobs import Job
from generation.models.photos import Photo


class Chat(models.Model):
    """What one person and the assistant said about one photo and everything made from it."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="chats"
    )
    root = models.ForeignKey(Photo, on_delete=models.PROTECT, related_name="chats")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "root"], name="chat_once_for_a_photo")
        ]

    def __str__(self) -> str:
        return f"chat {self.code}"


class Message(models.Model):
    """One thing that was said. The assistant's turn is a job; its answer is written as it ends."""

    class Role(models.TextChoices):
        PERSON = "person", _("person")
        ASSISTANT = "assistant", _("assistant")

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="messages")
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="messages")
    photo = models.ForeignKey(
        Photo, on_delete=models.PROTECT, related_name="+", help_text="the picture it was about"
    )
    role = models.CharField(max_length=16, choices=Role.choices)
    text = models.TextField(max_length=PROMPT_LIMIT)
    prompts = models.JSONField(
        default=list, blank=True, help_text='[{"kind": "short", "text": "…"}, …], in English'
    )
    free = models.BooleanField(default=False, help_text="a makeshift answer: given back")
    tokens_in = models.PositiveIntegerField(null=True, blank=True)
    tokens_out = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["job", "role"], name="message_once_for_a_turn"),
            models.CheckConstraint(
                condition=Q(role__in=("person", "assistant")), name="message_role_is_known"
            ),
        ]
        indexes = [models.Index(fields=["chat", "-id"], name="message_newest_first")]

    def __str__(self) -> str:
        return f"{self.role} in {self.chat_id}"


class Prompt(models.Model):
    """One version of what a provider is told. The newest counts; without one, the default in code.

    Only ever added, so that who changed what and when stays known.
    """

    name = models.CharField(max_length=16, help_text="a zone, or assistant")
    number = models.PositiveIntegerField(default=1)
    text = models.TextField(max_length=PROMPT_LIMIT)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["name", "number"], name="prompt_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.number}"
