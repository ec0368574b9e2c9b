"""How a job goes, in the one message that was sent when it was asked for.

Changed on a schedule that respects Telegram: while nothing happens less and less often, while it
is drawn every three seconds at most, in a group and in what was sent inline every six.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from datetime import timedelta as td

from django.db.models import F, Q
from django.utils import timezone, translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from billing import words
from generation import estimate
from generation.models import OPEN, Job, State
from generation.problems import STAGES
from telegram_integration.keyboards import Keyboard, button, markup
from telegram_integration.models import INLINE, ChatJob, Lane, OutgoingMessage

AT_ONCE = 100
DRAWN_EVERY, DRAWN_EVERY_IN_GROUPS = 3.0, 6.0
WAIT_FIRST, WAIT_TIMES, WAIT_LONGEST = 3.0, 1.6, 45.0
BAR = 10
QUOTED = 300
"""Characters of the words that are shown with the picture they became."""
FAILED_PAUSE = 10.0


def text(job: Job) -> str:
    """What is made for how much, and how far it is."""
    price = words.units(job.price_unit, job.price_amount)
    in_line = _("You are number %(place)s in line, %(left)s")
    return f"{words.TOOLS[job.tool]} · {price}\n{_progress(job, in_line)}"


def public_text(job: Job) -> str:
    """For a chat of others: what is drawn, and nothing of the person's money."""
    in_line = _("In line, %(left)s")
    return f"{quoted(job)}\n{_progress(job, in_line)}"


def quoted(job: Job) -> str:
    return _("“%(words)s”") % {"words": Truncator(job.prompt).chars(QUOTED)}


def keyboard(job: Job) -> Keyboard:
    return [[button(_("Cancel"), "stop", job.code)]] if job.is_open else []


def _progress(job: Job, in_line: str) -> str:
    place = estimate.position(job)
    left = how_long(estimate.eta_seconds(job, place))
    if place is not None:
        return in_line % {"place": place, "left": left}
    full = round(job.percent * BAR / 100)
    bar = "▓" * full + "░" * (BAR - full)
    stage = str(STAGES.get(job.stage, "")) or _("Working")
    return f"{bar} {job.percent} %\n{stage}, {left}"


def how_long(seconds: int | None) -> str:
    """A range, for nobody knows exactly."""
    seconds = seconds or 1
    if seconds < 100:
        low = max(5, seconds // 5 * 5)
        return _("about %(low)s–%(high)s seconds") % {"low": low, "high": low * 2}
    minutes = round(seconds / 60)
    return _("about %(low)s–%(high)s minutes") % {"low": minutes, "high": minutes + 1}


def due(in_hand: Collection[int], resting: Collection[int] = ()) -> list[OutgoingMessage]:
    """Changes of status messages that may be made now, as messages that are never saved.

    Their key is that of the `ChatJob`, below zero.
    """
    there = Q(message__message_id__isnull=False) | Q(chat_id__lt=INLINE)
    rows = ChatJob.objects.filter(there, edit_at__lte=timezone.now(), job__state__in=OPEN)
    rows = rows.exclude(Q(pk__in=in_hand) | Q(chat_id__in=resting))
    rows = rows.select_related("job__owner", "message").order_by("edit_at")[:AT_ONCE]
    return [one for row in rows if (one := _change(row))]


def _change(row: ChatJob) -> OutgoingMessage | None:
    """What it should say by now; where it says so already it is looked at later."""
    with translation.override(row.job.owner.language):
        wanted = public_text(row.job) if row.is_inline else text(row.job)
        buttons = markup(keyboard(row.job))
    if wanted == row.shown:
        ChatJob.objects.filter(pk=row.pk).update(edit_at=_next(row), edits=F("edits") + 1)
        return None
    return OutgoingMessage(
        pk=-row.pk, chat_id=row.chat_id, lane=Lane.STATUS, method="editMessageText",
        body={"text": wanted, "reply_markup": buttons}, edits=row.message, due_at=row.edit_at,
    )  # fmt: skip


def claim(change: OutgoingMessage) -> bool:
    """Whether it is still wanted: the job may have ended since."""
    row = ChatJob.objects.select_related("job").filter(pk=-change.pk).first()
    if row is None or row.edit_at is None or row.job.state not in OPEN:
        return False
    changes = {"shown": change.body["text"], "edits": F("edits") + 1, "edit_at": _next(row)}
    return bool(ChatJob.objects.filter(pk=row.pk, edit_at=row.edit_at).update(**changes))


def sent(change: OutgoingMessage, _message_id: int | None, _file_id: str = "") -> None:
    """Nothing to note: that it was about to be sent is written down already."""


def later(change: OutgoingMessage, seconds: float, trouble: str = "") -> None:
    """A status that cannot be shown now is shown later, or not at all."""
    at = timezone.now() + td(seconds=max(seconds, FAILED_PAUSE))
    ChatJob.objects.filter(pk=-change.pk, edit_at__isnull=False).update(edit_at=at)


def in_doubt(change: OutgoingMessage, seconds: float) -> None:
    later(change, seconds)


def failed(change: OutgoingMessage, _trouble: str) -> None:
    """Telegram will never take it: how this job goes is not shown any more. Its end will be."""
    ChatJob.objects.filter(pk=-change.pk).update(edit_at=None)


def gone(change: OutgoingMessage) -> None:
    """Somebody deleted the message: its end gets another one."""
    failed(change, "")


def first_look() -> datetime:
    return timezone.now() + td(seconds=1)


def _next(row: ChatJob) -> datetime:
    in_group = row.chat_id < 0
    every = DRAWN_EVERY_IN_GROUPS if in_group else DRAWN_EVERY
    if row.job.state == State.QUEUED:
        every = min(max(every, WAIT_FIRST * WAIT_TIMES ** min(row.edits, 20)), WAIT_LONGEST)
    return timezone.now() + td(seconds=every)
