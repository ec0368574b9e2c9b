"""The rows that wait to be sent: which are due, and what became of each."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime
from datetime import timedelta as td

from django.db.models import Min, Q
from django.utils import timezone

from telegram_integration import saying
from telegram_integration.models import (
    INLINE,
    Broadcast,
    ChatJob,
    Lane,
    OutgoingMessage,
    Talk,
    User,
)

logger = logging.getLogger(__name__)

State = OutgoingMessage.State
OPEN = (State.WAITING, State.SENDING)
LOST = (State.FAILED, State.DROPPED)
QUICK_AT_ONCE, SLOW_AT_ONCE = 100, 40
REMEMBERED = td(seconds=61)
"""How far back Telegram counts what a group has got, and a little more."""
MOST_IN_DOUBT = {"sendInvoice": 1}
"""How often a message is sent of which nobody knows whether it arrived; all others twice."""
CHANGES_TRIED_FOR = td(days=2)
UNKNOWN = "nobody knows whether it arrived"
TOLD_TO_WAIT = "Telegram wants this chat left alone"
ANEW = ":anew"


def due(in_hand: Collection[int], resting: Collection[int] = ()) -> list[OutgoingMessage]:
    """What may be sent now, by lane, and in each in the order in which it was written.

    A change waits for the message that it changes, and a message for those before it that were put
    off. Chats that rest are passed over, so that one with much to say keeps nobody waiting. Of
    broadcasts only those that are going on: a paused one waits, its rows untouched.
    """
    now = timezone.now()
    rows = OutgoingMessage.objects.filter(state__in=OPEN, due_at__lte=now).exclude(pk__in=in_hand)
    there = Q(edits__message_id__isnull=False) | Q(chat_id__lt=INLINE)
    rows = rows.filter(Q(edits=None) | there)
    rows = rows.exclude(chat_id__in=resting)
    rows = rows.select_related("edits", "photo").order_by("lane", "pk")
    quick = rows.filter(lane__lt=Lane.BROADCAST)
    sending = Broadcast.objects.filter(status=Broadcast.Status.SENDING).values_list("pk", flat=True)
    slow = rows.filter(lane=Lane.BROADCAST, broadcast__in=list(sending))
    found = [*quick[:QUICK_AT_ONCE], *slow[:SLOW_AT_ONCE]]
    first = _put_off(now)
    return [row for row in found if row.edits_id or row.pk <= first.get(row.chat_id, row.pk)]


def _put_off(now: datetime) -> dict[int, int]:
    """The first message in each chat that did not arrive and is sent again later."""
    rows = OutgoingMessage.objects.filter(state__in=OPEN, due_at__gt=now, edits=None)
    rows = rows.exclude(trouble="").values_list("chat_id").annotate(first=Min("pk"))
    return dict(rows.order_by("chat_id"))


def is_in_doubt(row: OutgoingMessage) -> bool:
    """It may have arrived already. A change may be made twice without harm."""
    return bool(row.tries and not row.edits_id)


def claim(row: OutgoingMessage) -> bool:
    """Written before Telegram is asked: after a crash it is known that it may have been sent.

    One that was put off since it was looked at is not what it was: it is looked at again.
    """
    if _was_sent_enough(row, row.tries):
        _lost(row)
        return False
    as_seen = {"state__in": OPEN, "tries": row.tries, "due_at": row.due_at}
    claimed = OutgoingMessage.objects.filter(pk=row.pk, **as_seen)
    return bool(claimed.update(state=State.SENDING, tries=row.tries + 1))


def _was_sent_enough(row: OutgoingMessage, times: int) -> bool:
    return not row.edits_id and times >= MOST_IN_DOUBT.get(row.method, 2)


def sent(row: OutgoingMessage, message_id: int | None, file_id: str = "") -> None:
    changes: dict[str, object] = {"state": State.SENT, "sent_at": timezone.now(), "trouble": ""}
    if message_id and not row.edits_id:
        changes["message_id"] = message_id
    if file_id:
        changes["file_id"] = file_id
    OutgoingMessage.objects.filter(pk=row.pk).update(**changes)


def later(row: OutgoingMessage, seconds: float, trouble: str = "") -> None:
    """Once more after a while: it provably did not arrive, so this was no try."""
    _wait(row, seconds, tries=row.tries, trouble=trouble)


def in_doubt(row: OutgoingMessage, seconds: float) -> None:
    """Nobody knows whether it arrived: once more after a while, unless that was often enough."""
    given_up = row.edits_id and timezone.now() - row.created_at > CHANGES_TRIED_FOR
    if given_up or _was_sent_enough(row, row.tries + 1):
        _lost(row)
    else:
        _wait(row, seconds, tries=row.tries + 1, trouble=UNKNOWN)


def _wait(row: OutgoingMessage, seconds: float, *, tries: int, trouble: str) -> None:
    due_at = timezone.now() + td(seconds=seconds)
    _again(row, tries=tries, due_at=due_at, trouble=trouble[:200])


def _again(row: OutgoingMessage, **changes: object) -> None:
    """It waits once more, unless nobody wants it any longer."""
    rows = OutgoingMessage.objects.filter(pk=row.pk, state__in=OPEN)
    rows.update(**{"state": State.WAITING, "tries": row.tries, **changes})


def left_alone() -> list[tuple[int, float]]:
    """Chats that Telegram wants left alone, by its word to an earlier process, and how long."""
    now = timezone.now()
    rows = OutgoingMessage.objects.filter(state__in=OPEN, due_at__gt=now, trouble=TOLD_TO_WAIT)
    return [
        (chat_id, (due_at - now).total_seconds())
        for chat_id, due_at in rows.values_list("chat_id", "due_at")
    ]


def lately_sent() -> list[tuple[int, float]]:
    """Chats that an earlier process wrote to, oldest first, and how many seconds ago.

    What was under way may have arrived just now. Of a status its last change is counted.
    """
    now = timezone.now()
    ended = OutgoingMessage.objects.filter(sent_at__gt=now - REMEMBERED).order_by("sent_at")
    sent = [
        (chat, (now - at).total_seconds()) for chat, at in ended.values_list("chat_id", "sent_at")
    ]
    under_way = OutgoingMessage.objects.filter(state=State.SENDING)
    shown = ChatJob.objects.filter(edit_at__gt=now, edits__gt=0, chat_id__isnull=False)
    chats = [*under_way.values_list("chat_id", flat=True), *shown.values_list("chat_id", flat=True)]
    return [*sent, *((chat, 0.0) for chat in chats)]


def failed(row: OutgoingMessage, trouble: str) -> None:
    """Telegram refused it for good; what would change it is not wanted any more."""
    OutgoingMessage.objects.filter(pk=row.pk).update(state=State.FAILED, trouble=trouble[:200])
    changes = OutgoingMessage.objects.filter(edits=row.pk, state__in=OPEN)
    changes.update(state=State.DROPPED)


def _lost(row: OutgoingMessage) -> None:
    """It is not sent again. What must not be lost with it finds another way."""
    logger.warning("%s to a chat: %s", row.method, UNKNOWN)
    if row.method == "sendInvoice":
        saying.invoice_once_more(row)
    for change in OutgoingMessage.objects.filter(edits=row.pk, state__in=OPEN):
        if not row.key.endswith(ANEW):
            gone(change)
    failed(row, UNKNOWN)


def gone(row: OutgoingMessage) -> None:
    """What this one changes is not there any more: a picture, or words, get another place."""
    if row.method not in ("editMessageMedia", "editMessageText"):
        sent(row, None)
        return
    again, _made = OutgoingMessage.objects.get_or_create(
        key=f"{row.edits.key}{ANEW}"[:120],
        defaults={"chat_id": row.chat_id, "lane": row.lane, "method": "sendMessage",
                  "body": {"text": "…"}, "job": row.job},
    )  # fmt: skip
    _again(row, edits=again)
    ChatJob.objects.filter(message=row.edits).update(message=again)


def picture_gone(row: OutgoingMessage) -> None:
    """Deleted by its owner before it was sent: the message that it was to take the place of goes
    as well. Pictures are always changes."""
    _again(row, method="deleteMessage", body={}, photo=None)


def leave_without_buttons(row: OutgoingMessage) -> None:
    """Telegram lets nobody delete what is older than two days."""
    _again(row, method="editMessageReplyMarkup", body={})


def blocked(chat_id: int) -> None:
    """This person does not want to hear of us: nothing more is sent until they write."""
    User.objects.filter(telegram_id=chat_id).update(blocked_at=timezone.now())
    waiting = OutgoingMessage.objects.filter(chat_id=chat_id, state__in=OPEN)
    waiting.update(state=State.DROPPED)
    ChatJob.objects.filter(chat_id=chat_id).update(edit_at=None)


def moved(chat_id: int, new_id: int) -> None:
    """A group became a supergroup, which is another chat for Telegram."""
    logger.warning("the group %s is %s now", chat_id, new_id)
    OutgoingMessage.objects.filter(chat_id=chat_id, state__in=OPEN).update(chat_id=new_id)
    ChatJob.objects.filter(chat_id=chat_id).update(chat_id=new_id)
    Talk.objects.filter(chat_id=chat_id).exclude(
        user__in=Talk.objects.filter(chat_id=new_id).values("user")
    ).update(chat_id=new_id)
