"""Who you are."""

from __future__ import annotations

import hashlib
import secrets
import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

KEY_PREFIX = "studio_"


class User(AbstractUser):
    """A person: from Telegram, a guest of the demo, or staff."""

    telegram_id = models.BigIntegerField(unique=True, null=True, blank=True)
    language = models.CharField(max_length=8, choices=settings.LANGUAGES, default="en")
    guest = models.BooleanField(default=False, help_text="signed in by the demo button")
    chat_since = models.DateTimeField(null=True, blank=True, help_text="first wrote to the bot")
    wrote_at = models.DateTimeField(null=True, blank=True, help_text="last, to the hour")
    blocked_at = models.DateTimeField(null=True, blank=True, help_text="blocked the bot")
    erased_as = models.CharField(
        max_length=64, blank=True, default="", db_default="", db_index=True, editable=False,
        help_text="a keyed hash of the Telegram id of somebody who erased themselves",
    )  # fmt: skip

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


class Login(models.Model):
    """A browser that waits for a word in the chat. It ends once: signed in, declined, or too late.

    The browser's own secret is in its session; here is its hash.
    """

    nonce = models.CharField(max_length=32, unique=True)
    browser = models.CharField(max_length=64, help_text="SHA-256 of the browser's secret")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.CASCADE, help_text="said yes in the chat"
    )
    declined_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None) | Q(declined_at=None), name="login_is_yes_or_no"
            ),
            models.CheckConstraint(
                condition=Q(used_at=None) | Q(user__isnull=False), name="login_is_used_after_a_yes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.nonce[:6]}… of {self.user or 'nobody yet'}"


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
