"""The life of a broadcast: scheduled, begun, written to the outbox bit by bit, held, ended.

Only a few hundred of its messages wait in the outbox at a time, so a pause or a stop acts at once.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.problem import Problem
from telegram_integration import outbox, saying
from telegram_integration.audience import audience
from telegram_integration.keyboards import Keyboard, markup, page
from telegram_integration.models import Broadcast, Lane, OutgoingMessage, User
from telegram_integration.telling import is_reachable

Status = Broadcast.Status
State = OutgoingMessage.State
AT_ONCE = 500
MOST_WAITING = 1000
LANGUAGES = ("ru", "en")


# ── what staff do ─────────────────────────────────────────────────────────────────────────────


def schedule(broadcast: Broadcast, starts_at: datetime | None = None) -> None:
    """It begins then, or at once. Nobody edits it any more."""
    _move(broadcast, Status.DRAFT, status=Status.SCHEDULED, starts_at=starts_at or timezone.now())


def pause(broadcast: Broadcast) -> None:
    """What waits in the outbox is not due until it goes on."""
    _move(broadcast, Status.SENDING, status=Status.PAUSED)


def resume(broadcast: Broadcast) -> None:
    _move(broadcast, Status.PAUSED, status=Status.SENDING)


@transaction.atomic
def stop(broadcast: Broadcast) -> None:
    """For good. What was not sent yet never is."""
    expected = (Status.SCHEDULED, Status.SENDING, Status.PAUSED)
    _move(broadcast, *expected, status=Status.STOPPED, ended_at=timezone.now())
    _drop(broadcast.messages.all())


@transaction.atomic
def send_test(broadcast: Broadcast, user: User, key: uuid.UUID) -> None:
    """Each language as people will see it, to one of the staff. It counts for nothing.

    Raises Problem where Telegram would not let us.
    """
    if not user.telegram_id:
        said = _("Your account has no Telegram id. Write it into your row under Users.")
        raise Problem("no_telegram_id", said)
    if not is_reachable(user):
        said = _("The bot may not write to you yet. Open it in Telegram, press Start, try again.")
        raise Problem("not_reachable", said)
    for language in LANGUAGES:
        if text := getattr(broadcast, f"text_{language}"):
            saying.say(user.telegram_id, text, key=f"broadcast:{broadcast.code}:{key}:{language}",
                       keyboard=_keyboard(broadcast, language))  # fmt: skip


def _move(broadcast: Broadcast, *expected: str, **changes: object) -> None:
    if not broadcast.move(*expected, **changes):
        broadcast.refresh_from_db()
        said = _("Nothing was done: it is “%(status)s” by now.")
        status = broadcast.get_status_display()
        raise Problem("broadcast_moved_on", said % {"status": status}, status=409)


def _drop(messages: QuerySet[OutgoingMessage]) -> None:
    messages.filter(state__in=outbox.OPEN).update(state=State.DROPPED)


# ── what the clock does ───────────────────────────────────────────────────────────────────────


def drive(now: datetime) -> None:
    """A step of everything that is under way, the oldest first."""
    begin_due(now)
    for broadcast in Broadcast.objects.filter(status=Status.SENDING).order_by("started_at", "pk"):
        while waiting() <= MOST_WAITING - AT_ONCE and queue_some(broadcast):
            pass
        finish(broadcast)
    # One that was on its way to Telegram, and was put off there, waits again.
    of_stopped = OutgoingMessage.objects.filter(broadcast__status=Status.STOPPED)
    _drop(of_stopped.filter(lane=Lane.BROADCAST))


def begin_due(now: datetime) -> int:
    due = Broadcast.objects.filter(status=Status.SCHEDULED, starts_at__lte=now)
    return due.update(status=Status.SENDING, started_at=now)


def waiting() -> int:
    """How many wait in the outbox and may be sent."""
    rows = OutgoingMessage.objects.filter(lane=Lane.BROADCAST, state__in=outbox.OPEN)
    return rows.filter(broadcast__status=Status.SENDING).count()


@transaction.atomic
def queue_some(broadcast: Broadcast) -> int:
    """The next people's messages, and how far we are, at once: killed anywhere, nobody is skipped.

    The key of each message lets nobody be told twice. Returns how many people these were.
    """
    people = list(left(broadcast).order_by("pk")[:AT_ONCE])
    if not people:
        return 0
    here = Broadcast.objects.filter(
        pk=broadcast.pk, status=Status.SENDING, position=broadcast.position
    )
    if not here.update(position=people[-1].pk):
        return 0
    rows = [_message(broadcast, user) for user in people]
    OutgoingMessage.objects.bulk_create(rows, ignore_conflicts=True)
    broadcast.position = people[-1].pk
    return len(people)


def left(broadcast: Broadcast) -> QuerySet[User]:
    """Who is still to be written for. Whoever comes after its start is not told."""
    people = audience(broadcast.segment, broadcast.started_at).filter(pk__gt=broadcast.position)
    return people.filter(chat_since__lte=broadcast.started_at or timezone.now())


def finish(broadcast: Broadcast) -> bool:
    """Over, once everybody's message was sent or refused."""
    if left(broadcast).exists() or broadcast.messages.filter(state__in=outbox.OPEN).exists():
        return False
    return broadcast.move(Status.SENDING, status=Status.DONE, ended_at=timezone.now())


def _message(broadcast: Broadcast, user: User) -> OutgoingMessage:
    body: dict[str, object] = {"text": broadcast.text(user.language)}
    if keyboard := _keyboard(broadcast, user.language):
        body["reply_markup"] = markup(keyboard)
    return OutgoingMessage(
        key=f"broadcast:{broadcast.code}:{user.pk}", chat_id=user.telegram_id, broadcast=broadcast,
        lane=Lane.BROADCAST, method="sendMessage", body=body,
    )  # fmt: skip


def _keyboard(broadcast: Broadcast, language: str) -> Keyboard:
    """Empty where it has no button, or where Telegram would not open our pages."""
    label = broadcast.button(language)
    buttons = page(label, broadcast.path, chat_id=1) if label else []  # 1: any private chat
    return [buttons] if buttons else []
