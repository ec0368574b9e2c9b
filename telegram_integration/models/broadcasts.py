"""What staff tell many people at once."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

TEXT_CHARACTERS = 4096  # UTF-16 units, Telegram's limit


class Segment(models.TextChoices):
    """Whom it is for, of all who can be written to. What each means is in `audience`."""

    EVERYBODY = "everybody", _("everybody")
    PLAN = "plan", _("have a plan")
    LAPSED = "lapsed", _("had a plan and have none")
    UNPAID = "unpaid", _("never paid")
    PAID = "paid", _("paid before")
    ACTIVE = "active", _("active in the last 7 days")
    SILENT = "silent", _("silent for 30 days")
    RUSSIAN = "ru", _("speak Russian")
    ENGLISH = "en", _("speak English")
    STAFF = "staff", _("staff")


class Broadcast(models.Model):
    """One text for many. Its messages are rows of the outbox, and their states its progress.

    ``position`` is the last person whose message was written: who comes after is still to be told.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        SCHEDULED = "scheduled", _("scheduled")
        SENDING = "sending", _("being sent")
        PAUSED = "paused", _("paused")
        STOPPED = "stopped", _("stopped")
        DONE = "done", _("done")

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    segment = models.CharField(
        _("who gets it"), max_length=16, choices=Segment.choices, default=Segment.EVERYBODY
    )
    text_ru = models.TextField(_("text in Russian"), max_length=TEXT_CHARACTERS, blank=True)
    text_en = models.TextField(
        _("text in English"), max_length=TEXT_CHARACTERS, blank=True,
        help_text=_("One of the two may be empty: then everybody gets the other."),
    )  # fmt: skip
    button_ru = models.CharField(_("button in Russian"), max_length=64, blank=True)
    button_en = models.CharField(_("button in English"), max_length=64, blank=True)
    path = models.CharField(
        _("page that the button opens"), max_length=200, blank=True,
        help_text=_("Of this studio, for example /pricing/."),
    )  # fmt: skip
    status = models.CharField(
        _("status"), max_length=16, choices=Status.choices, default=Status.DRAFT
    )
    position = models.BigIntegerField(default=0)
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # How many of its messages were cleared away, by what had become of them.
    cleared_sent = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    cleared_failed = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    cleared_dropped = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=("draft", "scheduled", "sending", "paused", "stopped", "done")
                ),
                name="broadcast_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(segment__in=Segment.values), name="broadcast_segment_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(text_ru="", text_en=""), name="broadcast_says_something"
            ),
            models.CheckConstraint(
                condition=Q(path="", button_ru="", button_en="")
                | ~Q(path="") & ~Q(button_ru="", button_en=""),
                name="broadcast_button_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(starts_at__isnull=False),
                name="broadcast_that_is_wanted_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=("sending", "paused", "done"))
                | Q(started_at__isnull=False),
                name="broadcast_that_began_says_when",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("stopped", "done"), ended_at__isnull=False)
                | ~Q(status__in=("stopped", "done")) & Q(ended_at=None),
                name="broadcast_that_ended_says_when",
            ),
        ]

    def __str__(self) -> str:
        return (self.text_en or self.text_ru)[:48]

    def text(self, language: str) -> str:
        return self._in(language, self.text_ru, self.text_en)

    def button(self, language: str) -> str:
        return self._in(language, self.button_ru, self.button_en)

    @staticmethod
    def _in(language: str, russian: str, english: str) -> str:
        """In this language, or in the other where it was not written in both."""
        return (russian or english) if language == "ru" else (english or russian)

    def clean(self) -> None:
        """Raises ValidationError for what Telegram would refuse, or would lead nowhere."""
        for name in ("text_ru", "text_en"):
            setattr(self, name, getattr(self, name).replace("\r\n", "\n").strip())
        if wrong := self._wrong():
            raise ValidationError(wrong)

    def _wrong(self) -> dict[str, Any]:
        wrong: dict[str, Any] = {}
        if not (self.text_ru or self.text_en):
            wrong["text_ru"] = _("Write it in one language at least.")
        for name in ("text_ru", "text_en"):
            if len(getattr(self, name).encode("utf-16-le")) > TEXT_CHARACTERS * 2:
                wrong[name] = _("This is longer than a message of Telegram can be.")
        if bool(self.path) != bool(self.button_ru or self.button_en):
            wrong["path"] = _("A button needs both words and a page.")
        elif self.path and not _is_page(self.path):
            wrong["path"] = _("This is no page of the studio.")
        return wrong

    def move(self, *expected: str, **changes: Any) -> bool:
        """Change the row if it still stands where we believe. Returns whether it did."""
        rows = Broadcast.objects.filter(pk=self.pk, status__in=expected)
        if not rows.update(**changes):
            return False
        for name, value in changes.items():
            setattr(self, name, value)
        return True


def _is_page(path: str) -> bool:
    try:
        resolve(urlsplit(path).path)
    except (Resolver404, ValueError):
        return False
    return path.startswith("/") and not path.startswith("//")
