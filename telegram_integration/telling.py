"""Turning what has happened into messages: finished jobs, payments, news of a plan.

The rows of other rooms are the outbox: what has no ``told_at`` is to be told. Here it becomes a
message, in the transaction that says that it was told.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta as td
from operator import attrgetter
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing import ledger, words
from billing.models import Gift, Notice, Payment, Referral, Refund
from billing.referrals import THANKS
from generation.models import FINAL, Job, Message, Photo, State, Tool
from generation.problems import sentence
from telegram_integration import filling, outbox, owner, saying
from telegram_integration.keyboards import Button, Keyboard, button, page
from telegram_integration.models import ChatJob, Lane, OutgoingMessage, Talk, User

AT_ONCE = 50
RINGS_AFTER = td(seconds=60)


def tell() -> int:
    """All that waits to be told, a few of each kind. Returns how many were."""
    told = _tell_jobs() + sum(_tell_rows(*kind) for kind in KINDS)
    return told + filling.fill() + owner.tell()


# ── jobs ──────────────────────────────────────────────────────────────────────────────────────


def _tell_jobs() -> int:
    untold = Job.objects.filter(told_at=None, state__in=FINAL).order_by("finished_at")
    rows = untold.select_related("owner", "errand", "in_chat__message")
    rows = rows.prefetch_related("results", "inputs")
    return sum(_tell_job(job) for job in rows[:AT_ONCE])


@transaction.atomic
def _tell_job(job: Job) -> bool:
    if not Job.objects.filter(pk=job.pk, told_at=None).update(told_at=timezone.now()):
        return False
    with translation.override(job.owner.language):
        if message := _place_of(job):
            _end(job, message)
            _ring(job, message)
    return True


def _place_of(job: Job) -> OutgoingMessage | None:
    """The message that shows how it ended; None where nobody is to be told."""
    where = getattr(job, "in_chat", None) or filling.taken_over(job)
    is_done = job.state == State.DONE
    if where and where.is_inline and is_done:
        filling.begin(job)
    elif where and where.message and where.message.state not in outbox.LOST:
        ChatJob.objects.filter(pk=where.pk).update(edit_at=None)
        return where.message
    if is_done and job.tool != Tool.ASSISTANT and is_reachable(job.owner):
        return _announce(job)
    return None


def is_reachable(user: User) -> bool:
    return bool(user.telegram_id and user.chat_since and not user.blocked_at)


def _announce(job: Job) -> OutgoingMessage:
    """For a job of the pages, or one whose message never arrived: the message that its picture
    will take the place of."""
    return saying.say(
        job.owner.telegram_id, _("Your picture is ready"), key=f"job:{job.code}:place",
        lane=Lane.RESULT, job=job,
    )  # fmt: skip


def _ring(job: Job, message: OutgoingMessage) -> None:
    """A picture that takes a message's place makes no sound on the phone: who had to wait for long
    is called. One who looks on all the time is not, and a group never is."""
    made = job.state == State.DONE and job.tool != Tool.ASSISTANT
    waited = bool(job.finished_at and job.finished_at - job.created_at > RINGS_AFTER)
    if made and waited and message.chat_id > 0 and message.message_id:
        saying.say(
            message.chat_id, _("Your picture is ready"), key=f"job:{job.code}:ring",
            reply_to=message.message_id, lane=Lane.RESULT,
        )  # fmt: skip


def _end(job: Job, message: OutgoingMessage) -> None:
    key = f"job:{job.code}:end"
    if job.state == State.DONE and job.tool == Tool.ASSISTANT:
        said = job.messages.get(role=Message.Role.ASSISTANT)
        saying.change(message, proposals(said), key=key, keyboard=choices(said))
    elif job.state == State.DONE:
        _show(job, message)
    elif job.state == State.FAILED:
        why = str(sentence(job.error_code, job.error_data))
        again = [[button(_("Try again"), "retry", job.code)]]
        saying.change(message, why, key=key, keyboard=again)
    else:
        saying.change(message, _("Cancelled. Nothing was charged."), key=key)


def _show(job: Job, message: OutgoingMessage) -> None:
    """The first picture takes the message's place; each further one has a message of its own."""
    made = sorted((p for p in job.results.all() if not p.deleted_at), key=lambda p: p.number)
    for photo in made:
        key = f"job:{job.code}:picture:{photo.number}"
        own = message if photo == made[0] else saying.say(
            message.chat_id, "…", key=f"{key}:message", lane=Lane.RESULT, job=job
        )  # fmt: skip
        saying.turn_into(own, photo, caption(job), key=key, keyboard=under(job, photo, own.chat_id))
    if made:
        _speak_of(made[0], message.chat_id)


def _speak_of(photo: Photo, chat_id: int) -> None:
    """Words that follow are about this newest picture, unless something else was begun since."""
    talk, _is_new = Talk.objects.get_or_create(user_id=photo.owner_id, chat_id=chat_id)
    before = Q(base=None) | Q(base__created_at__lt=photo.job.created_at)
    Talk.objects.filter(before, pk=talk.pk, step="").update(base=photo)


def caption(job: Job) -> str:
    """What it is, what it cost, what is left."""
    price = words.units(job.price_unit, job.price_amount)
    have = words.balance_short(ledger.balance(job.owner_id))
    return _("%(tool)s · %(price)s. You have %(have)s.") % {
        "tool": words.TOOLS[job.tool], "price": price, "have": have,
    }  # fmt: skip


def under(job: Job, photo: Photo, chat_id: int) -> Keyboard:
    """What can be done with a result."""
    more: list[Button] = []
    if job.tool == Tool.TRYON:
        more += [button(_("Another item"), "item", job.code)]
    if any(one.role in ("person", "base") for one in job.inputs.all()):
        more += [button(_("Before and after"), "ba", photo.code)]
    return [
        [button(_("Again"), "again", job.code), button(_("Variation"), "vary", job.code)],
        [button(_("Edit this"), "edit", photo.code), button(_("Rotate, crop"), "menu", photo.code)],
        more,
        keeping(photo),
        page(_("Open in the studio"), reverse("picture", args=[photo.code]), chat_id=chat_id),
    ]


def keeping(photo: Photo) -> list[Button]:
    """Have it as a file, keep it, or be rid of it."""
    heart = "♥" if photo.favourite else "♡"
    return [
        button(_("As a file"), "file", photo.code),
        button(heart, "fav", photo.code),
        button(_("Delete"), "del", photo.code),
    ]


def proposals(said: Message) -> str:
    numbered = [f"{n}. {prompt['text']}" for n, prompt in enumerate(said.prompts, start=1)]
    return "\n\n".join([said.text, *numbered])


def choices(said: Message) -> Keyboard:
    names = {"short": _("Short"), "balanced": _("Balanced"), "detailed": _("Detailed")}
    return [
        [button(f"{n + 1}. {names[prompt['kind']]}", "use", said.code, n)]
        for n, prompt in enumerate(said.prompts)
    ]


# ── money ─────────────────────────────────────────────────────────────────────────────────────

Tells = Callable[[Any], tuple[str, Keyboard]]


def _tell_rows(name: str, rows: Callable[[], QuerySet[Any]], owner: str, tells: Tells) -> int:
    return sum(_tell_row(name, row, owner, tells) for row in rows()[:AT_ONCE])


@transaction.atomic
def _tell_row(name: str, row: Any, owner: str, tells: Tells) -> bool:
    if not type(row).objects.filter(pk=row.pk, told_at=None).update(told_at=timezone.now()):
        return False
    user = attrgetter(owner)(row).user
    if is_reachable(user):
        with translation.override(user.language):
            text, keyboard = tells(row)
            saying.say(user.telegram_id, text, key=f"{name}:{row.pk}:told", keyboard=keyboard,
                       lane=Lane.RESULT)  # fmt: skip
    return True


def _paid(payment: Payment) -> tuple[str, Keyboard]:
    have = words.balance_words(ledger.balance(payment.account.user_id))
    text = _("Thank you. %(name)s are here. You have %(have)s.")
    return text % {"name": payment.name, "have": have}, []


def _given_back(refund: Refund) -> tuple[str, Keyboard]:
    have = words.balance_words(ledger.balance(refund.payment.account.user_id))
    text = _("%(price)s for “%(name)s” went back to you. You have %(have)s.")
    price = words.money(refund.amount, refund.payment.currency)
    return text % {"price": price, "name": refund.payment.name, "have": have}, []


def _thanked(referral: Referral) -> tuple[str, Keyboard]:
    gift = words.credits(THANKS)
    return _("A friend of yours made their first picture: %(gift)s for you.") % {"gift": gift}, []


def _returned(gift: Gift) -> tuple[str, Keyboard]:
    text = ngettext(
        "Nobody took your gift: %(count)d credit is yours again.",
        "Nobody took your gift: %(count)d credits are yours again.",
        gift.units,
    )
    return text % {"count": gift.units}, []


def _news(notice: Notice) -> tuple[str, Keyboard]:
    text, said, path = words.notice(notice)
    return text, [page(str(said), path, chat_id=notice.account.user.telegram_id)]


def _payments() -> QuerySet[Payment]:
    made = Payment.objects.filter(status=Payment.Status.SUCCEEDED, told_at=None)
    return made.select_related("account__user").order_by("settled_at")


def _refunds() -> QuerySet[Refund]:
    made = Refund.objects.filter(status=Refund.Status.SUCCEEDED, told_at=None)
    return made.select_related("payment__account__user").order_by("settled_at")


def _thanks() -> QuerySet[Referral]:
    earned = Referral.objects.filter(lot__isnull=False, told_at=None)
    return earned.select_related("inviter__user").order_by("pk")


def _gifts() -> QuerySet[Gift]:
    back = Gift.objects.filter(status=Gift.Status.RETURNED, told_at=None)
    return back.select_related("giver__user").order_by("pk")


def _notices() -> QuerySet[Notice]:
    open_ones = Notice.objects.filter(Q(closed_at=None), told_at=None)
    return open_ones.select_related("account__user").order_by("pk")


KINDS: tuple[tuple[str, Callable[[], QuerySet[Any]], str, Tells], ...] = (
    ("payment", _payments, "account", _paid),
    ("refund", _refunds, "payment.account", _given_back),
    ("referral", _thanks, "inviter", _thanked),
    ("gift", _gifts, "giver", _returned),
    ("notice", _notices, "account", _news),
)
