"""What the bot has to say, and what became of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from generation.models import Job, Photo
from telegram_integration.models.broadcasts import Broadcast

INLINE = -(2**52)
"""Nobody tells us the chat of a message that somebody sent by inline mode. Such a one gets a place
of its own below this, where no chat can be: Telegram's ids have 52 bits. Its pace is a group's."""


class Lane(models.IntegerChoices):
    """Whose turn it is when not all can be sent at once."""

    RESULT = 0, "results and payments"
    TALK = 1, "answers"
    STATUS = 2, "status"
    BROADCAST = 3, "broadcasts"


class OutgoingMessage(models.Model):
    """A message, or a change of an earlier one (``edits``). Written once under its key.

    ``body`` is the Bot API's own, without chat and picture. Where nobody knows whether Telegram
    took a message it is sent once more; a change may be made twice without harm, so pictures are
    always changes of a message that was sent before.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        SENDING = "sending", "being sent"
        SENT = "sent", "sent"
        FAILED = "failed", "refused by Telegram"
        DROPPED = "dropped", "not wanted any more"

    key = models.CharField(max_length=120, unique=True, help_text="<thing>:<id>:<act>")
    chat_id = models.BigIntegerField()
    lane = models.PositiveSmallIntegerField(choices=Lane.choices, default=Lane.TALK)
    method = models.CharField(max_length=32)
    body = models.JSONField(default=dict)
    data = models.JSONField(default=dict, blank=True, help_text="what its buttons speak of")
    photo = models.ForeignKey(
        Photo, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="the picture that is sent with it",
    )  # fmt: skip
    job = models.ForeignKey(
        Job, null=True, blank=True, on_delete=models.PROTECT, related_name="messages_sent"
    )
    broadcast = models.ForeignKey(
        Broadcast, null=True, blank=True, on_delete=models.PROTECT, related_name="messages",
        db_index=False,
    )  # fmt: skip
    edits = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="changes"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    message_id = models.BigIntegerField(null=True, blank=True)
    inline_message_id = models.CharField(
        max_length=100, blank=True, default="", db_default="",
        help_text="Telegram's name of what somebody sent inline",
    )  # fmt: skip
    file_id = models.CharField(
        max_length=200, blank=True, help_text="Telegram's name of the picture, to share it by"
    )
    trouble = models.CharField(max_length=200, blank=True, help_text="Telegram's words, for staff")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=("waiting", "sending", "sent", "failed", "dropped")),
                name="outgoing_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(broadcast=None) & ~Q(lane=3) | Q(broadcast__isnull=False, lane=3),
                name="outgoing_broadcast_in_its_lane",
            ),
            models.UniqueConstraint(
                fields=["inline_message_id"],
                condition=~Q(inline_message_id=""),
                name="outgoing_inline_once",
            ),
            models.CheckConstraint(
                condition=Q(inline_message_id="") | Q(chat_id__lt=INLINE),
                name="outgoing_inline_in_its_place",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lane", "due_at"], name="outgoing_due",
                condition=Q(state__in=("waiting", "sending")),
            ),
            models.Index(
                fields=["chat_id", "message_id"], name="outgoing_by_message",
                condition=Q(message_id__isnull=False),
            ),
            models.Index(
                fields=["broadcast", "state"], name="outgoing_of_broadcast",
                condition=Q(broadcast__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.method} to {self.chat_id} ({self.state})"

    @property
    def is_inline(self) -> bool:
        """A message that somebody sent by inline mode, or a change of one."""
        return self.chat_id < INLINE
