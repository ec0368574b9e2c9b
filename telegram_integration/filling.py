"""What somebody sent by inline mode, and the picture that takes its place there.

Telegram takes no upload into such a message. So the picture goes to the chat of whoever asked for
it, as all do, and from there by Telegram's own name for it. Others read along: nothing is said of
the person's money.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from billing import inviting
from generation.models import Errand, Job, Photo, State
from telegram_integration import saying, status
from telegram_integration.keyboards import Keyboard, chat
from telegram_integration.models import INLINE, ChatJob, OutgoingMessage, User
from telegram_integration.outbox import OPEN

AT_ONCE = 50


def watch(job: Job, inline_message_id: str) -> None:
    """Show there how the job goes. One that was tried again gives its place to the new one."""
    message = saying.inline(inline_message_id, job=job)
    ChatJob.objects.filter(message=message).exclude(job=job).update(message=None, edit_at=None)
    ChatJob.objects.get_or_create(
        job=job,
        defaults={"chat_id": message.chat_id, "message": message, "edit_at": status.first_look()},
    )


def await_money(errand: Errand, inline_message_id: str) -> None:
    """It says so, and `taken_over` finds it by this key once the errand became a job."""
    rows = [chat(_("Open the chat"), "inline")]
    saying.change(
        saying.inline(inline_message_id), _("This picture waits until it is paid for."),
        key=_waiting(errand), keyboard=rows,
    )  # fmt: skip


def taken_over(job: Job) -> ChatJob | None:
    """The place of a job that could be paid only later, where it was asked for by inline mode."""
    errand = getattr(job, "errand", None)
    said = errand and OutgoingMessage.objects.filter(key=_waiting(errand)).first()
    if not said:
        return None
    watch(job, said.edits.inline_message_id)
    return ChatJob.objects.select_related("message").get(job=job)


def _waiting(errand: Errand) -> str:
    return f"errand:{errand.code}:waits"


def begin(job: Job) -> None:
    """Its picture is on its way to its owner, or was sent to them once more: `fill` looks."""
    ChatJob.objects.filter(job=job, chat_id__lt=INLINE).update(edit_at=timezone.now())


def fill() -> int:
    """Every place whose picture Telegram knows by now, or will not know. Returns how many."""
    rows = ChatJob.objects.filter(
        chat_id__lt=INLINE, edit_at__lte=timezone.now(), job__state=State.DONE
    )
    rows = rows.select_related("job__owner__account", "message").order_by("edit_at")
    return sum(_fill(row) for row in rows[:AT_ONCE])


@transaction.atomic
def _fill(row: ChatJob) -> bool:
    photo = row.job.results.filter(deleted_at=None).order_by("number").first()
    if photo and OutgoingMessage.objects.filter(photo=photo, state__in=OPEN).exists():
        return False
    if not ChatJob.objects.filter(pk=row.pk, edit_at=row.edit_at).update(edit_at=None):
        return False
    with translation.override(row.job.owner.language):
        _show(row, photo)
    return True


def _show(row: ChatJob, photo: Photo | None) -> None:
    key = f"job:{row.job.code}:inline"
    if photo is None:
        saying.change(row.message, _("This picture was deleted."), key=f"{key}:gone")
    elif known := OutgoingMessage.objects.filter(photo=photo).exclude(file_id="").first():
        saying.show_known(row.message, known.file_id, status.quoted(row.job), key=key,
                          keyboard=invitation(row.job.owner))  # fmt: skip
    else:
        text = _("The picture is ready. Open my chat, and it comes here as well.")
        saying.change(row.message, text, key=f"{key}:unseen",
                      keyboard=[chat(_("Open the chat"), f"job_{row.job.code.hex}")])  # fmt: skip


def invitation(user: User) -> Keyboard:
    """What others may do under it. Only a message with a button can be changed by us."""
    link = inviting.links(user.account)["telegram"]
    act = {"url": link} if link else {"switch_inline_query_current_chat": ""}
    return [[{"text": _("Make one too"), **act}]]
