"""The rows that wait to be sent: which are due, and what became of each."""

from __future__ import annotations

from datetime import timedelta as td

from django.db.models import F, Q
from django.utils import timezone

from telegram_integration.models import INLINE, Broadcast, ChatJob, Lane, OutgoingMessage, User

State = OutgoingMessage.State
OPEN = (State.WAITING, State.SENDING)
AT_ONCE = 100
MOST_UNKNOWN = 2
"""How often a message is sent of which nobody knows whether it arrived."""
LONGEST_PAUSE = 300


def due(in_hand: set[int]) -> list[OutgoingMessage]:
    """What may be sent now, by lane. A change waits for the message that it changes.

    Of broadcasts only those that are going on: a paused one waits, its rows untouched.
    """
    now = timezone.now()
    rows = OutgoingMessage.objects.filter(state__in=OPEN, due_at__lte=now).exclude(pk__in=in_hand)
    there = Q(edits__message_id__isnull=False) | Q(chat_id__lt=INLINE)
    rows = rows.filter(Q(edits=None) | there)
    rows = rows.select_related("edits", "photo").order_by("lane", "due_at", "pk")
    quick = rows.filter(lane__lt=Lane.BROADCAST)
    sending = Broadcast.objects.filter(status=Broadcast.Status.SENDING).values_list("pk", flat=True)
    slow = rows.filter(lane=Lane.BROADCAST, broadcast__in=list(sending))
    return [*quick[:AT_ONCE], *slow[:AT_ONCE]]


def claim(row: OutgoingMessage) -> bool:
    """Written before Telegram is asked: after a crash it is known that it may have been sent.

    One that was put off since it was looked at is not what it was: it is looked at again.
    """
    as_seen = {"state__in": OPEN, "tries": row.tries, "due_at": row.due_at}
    claimed = OutgoingMessage.objects.filter(pk=row.pk, **as_seen)
    row.tries += 1
    return bool(claimed.update(state=State.SENDING, tries=row.tries))


def sent(row: OutgoingMessage, message_id: int | None, file_id: str = "") -> None:
    changes: dict[str, object] = {"state": State.SENT, "sent_at": timezone.now(), "trouble": ""}
    if message_id and not row.edits_id:
        changes["message_id"] = message_id
    if file_id:
        changes["file_id"] = file_id
    OutgoingMessage.objects.filter(pk=row.pk).update(**changes)


def failed(row: OutgoingMessage, trouble: str) -> None:
    """Telegram refused it for good; what would change it is not wanted any more."""
    OutgoingMessage.objects.filter(pk=row.pk).update(state=State.FAILED, trouble=trouble[:200])
    changes = OutgoingMessage.objects.filter(edits=row.pk, state__in=OPEN)
    changes.update(state=State.DROPPED)


def later(row: OutgoingMessage, seconds: float, *, counts: bool) -> None:
    """Once more after a while. What provably did not arrive does not count as a try."""
    if counts and not row.edits_id and row.tries >= MOST_UNKNOWN:
        failed(row, "nobody knows whether it arrived")
        return
    tries = row.tries if counts else row.tries - 1
    due_at = timezone.now() + td(seconds=min(seconds, LONGEST_PAUSE))
    OutgoingMessage.objects.filter(pk=row.pk).update(
        state=State.WAITING, tries=tries, due_at=due_at
    )


def blocked(chat_id: int) -> None:
    """This person does not want to hear of us: nothing more is sent until they write."""
    User.objects.filter(telegram_id=chat_id).update(blocked_at=timezone.now())
    waiting = OutgoingMessage.objects.filter(chat_id=chat_id, state__in=OPEN)
    waiting.update(state=State.DROPPED)
    ChatJob.objects.filter(chat_id=chat_id).update(edit_at=None)


def moved(chat_id: int, new_id: int) -> None:
    """A group became a supergroup, which is another chat for Telegram."""
    OutgoingMessage.objects.filter(chat_id=chat_id, state__in=OPEN).update(chat_id=new_id)
    ChatJob.objects.filter(chat_id=chat_id).update(chat_id=new_id)


def send_anew(row: OutgoingMessage) -> None:
    """The message that this one changes is gone: another takes its place."""
    gone = row.edits
    text = gone.body.get("text", "…")
    again, _made = OutgoingMessage.objects.get_or_create(
        key=f"{gone.key}:anew"[:120],
        defaults={"chat_id": gone.chat_id, "lane": row.lane, "method": "sendMessage",
                  "body": {"text": text}, "job": gone.job},
    )  # fmt: skip
    OutgoingMessage.objects.filter(pk=row.pk).update(
        edits=again, state=State.WAITING, tries=F("tries") - 1
    )
    ChatJob.objects.filter(message=gone).update(message=again)
