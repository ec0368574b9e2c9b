"""What staff can do with a broadcast, when, and what they are asked before."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from telegram_integration import broadcasts
from telegram_integration.audience import audience
from telegram_integration.models import Broadcast, User

Status = Broadcast.Status


class SureForm(forms.Form):
    """The key is made with the form: sent twice, a test is one."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class StartForm(SureForm):
    starts_at = forms.DateTimeField(
        label=_("When, in UTC; empty: now"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )  # fmt: skip

    def clean_starts_at(self) -> datetime | None:
        """A day that was mistyped must not begin at once."""
        at = self.cleaned_data["starts_at"]
        if at and at < timezone.now():
            raise forms.ValidationError(_("This moment is over. Leave it empty to begin now."))
        return at


@dataclass(frozen=True)
class Act:
    """``expected`` is where a broadcast must stand; ``carry_out`` raises Problem."""

    title: Any
    expected: tuple[str, ...]
    carry_out: Callable[[Broadcast, User, dict[str, Any]], None]
    question: Any
    logged: str
    form: type[forms.Form] = SureForm

    def note(self, row: Broadcast) -> str:
        return str(self.question) % {"number": audience(row.segment).count()}

    def log(self, asked: dict[str, Any]) -> str:
        at = asked.get("starts_at")
        return f"{self.logged} for {at:%Y-%m-%d %H:%M} UTC" if at else self.logged


ACTS: dict[str, Act] = {
    "test": Act(
        _("Send it to me as a test"),
        (Status.DRAFT, Status.SCHEDULED, Status.SENDING, Status.PAUSED),
        lambda row, user, asked: broadcasts.send_test(row, user, asked["key"]),
        _("The bot sends you each language as people will see it. Nobody else gets it."),
        "sent as a test",
    ),
    "start": Act(
        _("Send it"),
        (Status.DRAFT,),
        lambda row, user, asked: broadcasts.schedule(row, asked["starts_at"]),
        _("People who get it, as of now: %(number)s. It cannot be edited after this."),
        "scheduled",
        StartForm,
    ),
    "pause": Act(
        _("Pause"),
        (Status.SENDING,),
        lambda row, user, asked: broadcasts.pause(row),
        _("Nobody else gets it until you resume it."),
        "paused",
    ),
    "resume": Act(
        _("Resume"),
        (Status.PAUSED,),
        lambda row, user, asked: broadcasts.resume(row),
        _("It goes on where it was paused. Nobody gets it twice."),
        "resumed",
    ),
    "stop": Act(
        _("Stop for good"),
        (Status.SCHEDULED, Status.SENDING, Status.PAUSED),
        lambda row, user, asked: broadcasts.stop(row),
        _("Nobody else gets it, and it cannot be resumed."),
        "stopped",
    ),
}
