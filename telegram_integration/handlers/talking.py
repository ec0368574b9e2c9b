"""Words that are no command: they are about a picture, or what was asked for."""

from __future__ import annotations

from django.utils.translation import gettext as _

from generation.models import Photo
from telegram_integration.calls import Call
from telegram_integration.models import OutgoingMessage, Talk

Step = Talk.Step


def words(call: Call) -> None:
    """An answer to a picture changes that picture; else they belong to what was last spoken of."""
    if picture := replied_to(call):
        Talk.objects.filter(pk=call.talk.pk).update(base=picture, step="")
        call.ask({"tool": "edit", "base": str(picture.code), "prompt": call.words})
    elif not call.in_group:
        _alone(call, call.talk)


def _alone(call: Call, talk: Talk) -> None:
    base = talk.base if talk.base and not talk.base.deleted_at else None
    Talk.objects.filter(pk=talk.pk).update(step="")
    if talk.step == Step.IMAGINE:
        call.ask({"tool": "imagine", "prompt": call.words})
    elif talk.step == Step.WORDS and base:
        call.ask({"tool": "edit", "base": str(base.code), "prompt": call.words})
    elif base:
        call.ask({"tool": "assistant", "photo": str(base.code), "message": call.words})
    else:
        call.say(_("Send me a photo first, or write /imagine and then what you would like to see."))


def replied_to(call: Call) -> Photo | None:
    """The person's own picture under the message that they answer."""
    answered = call.message.reply_to_message
    if answered is None:
        return None
    sent = OutgoingMessage.objects.filter(
        chat_id=call.chat_id, message_id=answered.message_id, changes__photo__isnull=False
    )
    found = Photo.objects.filter(
        pk__in=sent.values("changes__photo"), owner=call.user.pk, deleted_at=None
    )
    return found.first()
