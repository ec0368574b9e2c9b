"""Who you are."""

from __future__ import annotations

import hashlib
import secrets
import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

KEY_PREFIX = "studio_"


class User(AbstractUser):
    """A person: from Telegram, a guest of the demo, or staff."""

    telegram_id = models.BigIntegerField(unique=True, null=True, blank=True)
    language = models.CharField(max_length=8, choices=settings.LANGUAGES, default="en")
    guest = models.BooleanField(default=False, help_text="signed in by the demo button")

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class UsedInitData(models.Model):
    """Init data that has signed somebody in: each string does so once."""

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    used_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name_plural = "used init data"

    def __str__(self) -> str:
        return self.digest[:12]


class ApiKey(models.Model):
    """A key for REST clients. Only its hash is kept, so it can be shown once."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=64)
    start = models.CharField(max_length=16, help_text="how the key begins, to recognise it")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"

    @staticmethod
    def hash(key: str) -> str:
        """SHA-256 is enough: the key is 256 random bits, there is nothing to guess."""
        return hashlib.sha256(key.encode()).hexdigest()

    @classmethod
    def make(cls, user: User, name: str) -> tuple[ApiKey, str]:
        """A new key and its text, which cannot be had again."""
        text = KEY_PREFIX + secrets.token_urlsafe(32)
        row = cls.objects.create(user=user, name=name, start=text[:12], digest=cls.hash(text))
        return row, text

    def revoke(self) -> None:
        ApiKey.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now())
