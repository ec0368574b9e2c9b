"""A picture of the pages, handed over to Telegram: to the chat, to friends, to a story."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from telegram import InlineQueryResultCachedPhoto
from telegram.error import BadRequest, TelegramError

from billing.problem import Problem
from generation.lineage import how
from generation.models import Photo
from telegram_integration import door, outbox, saying
from telegram_integration.handlers.photos import deeds
from telegram_integration.keyboards import Keyboard
from telegram_integration.models import Lane, OutgoingMessage, User
from telegram_integration.telling import is_reachable, keeping, under

SHARE_SECONDS = 8
# A salt of its own: the links of the pages work for their owner alone, these for whoever has one.
signer = Signer(salt="telegram_integration.story")

REFUSALS = {
    "chat_closed": (409, _("The bot cannot write to you yet. Open its chat and press Start.")),
    "not_in_chat": (409, _("Send the picture to the chat first, then it can be shared.")),
    "on_its_way": (409, _("The picture is still on its way to the chat. Try again in a moment.")),
    "telegram_silent": (503, _("Telegram does not answer right now. Please try again.")),
    "no_stories": (409, _("Stories need an https address, which this studio has not.")),
}


def _refused(code: str) -> Problem:
    status, sentence = REFUSALS[code]
    return Problem(code, sentence, status=status)


def is_open(user: User) -> bool:
    """Whether a bot runs, and may write to this person."""
    return settings.TELEGRAM_MODE != "off" and is_reachable(user)


@transaction.atomic
def send(user: User, photo: Photo, *, key: str | None) -> None:
    """To the person's own chat, once under this key of theirs."""
    if not is_open(user):
        raise _refused("chat_closed")
    digest = hashlib.sha256((key or uuid.uuid4().hex).encode()).hexdigest()[:32]
    with translation.override(user.language):
        put(user.telegram_id, photo, key=f"photo:{photo.code}:send:{digest}")


def put(chat_id: int, photo: Photo, *, key: str) -> None:
    """A message that the picture takes the place of, with what can be done with it."""
    message = saying.say(chat_id, "…", key=f"{key}:message", lane=Lane.RESULT, job=photo.job)
    saying.turn_into(message, photo, how(photo), key=key, keyboard=offered(photo, chat_id))


def offered(photo: Photo, chat_id: int) -> Keyboard:
    """What can be done with a picture, as buttons under it."""
    if photo.job:
        return under(photo.job, photo, chat_id)
    return [*deeds(photo, chat_id), *([keeping(photo)] if photo.is_made else [])]


def was_sent(photo: Photo) -> bool:
    """Whether Telegram has it, so that it can be shared."""
    return OutgoingMessage.objects.filter(photo=photo).exclude(file_id="").exists()


def share(user: User, photo: Photo) -> str:
    """Telegram's name of a message with the picture, which the Mini App offers to send."""
    if not is_open(user):
        raise _refused("chat_closed")
    sent = OutgoingMessage.objects.filter(photo=photo)
    if known := sent.exclude(file_id="").order_by("-pk").first():
        return async_to_sync(_prepare)(user.telegram_id, known.file_id)
    raise _refused("on_its_way" if sent.filter(state__in=outbox.OPEN).exists() else "not_in_chat")


async def _prepare(telegram_id: int, file_id: str) -> str:
    """A bot that has another token does not know the old one's pictures."""
    result = InlineQueryResultCachedPhoto("picture", file_id)
    try:
        async with asyncio.timeout(SHARE_SECONDS), door.make() as bot:
            prepared = await bot.save_prepared_inline_message(
                telegram_id, result, allow_user_chats=True, allow_group_chats=True,
                allow_channel_chats=True,
            )  # fmt: skip
    except BadRequest:
        raise _refused("not_in_chat") from None
    except (TelegramError, TimeoutError):
        raise _refused("telegram_silent") from None
    return prepared.id


def story_link(photo: Photo) -> str:
    """An address of 10 minutes for Telegram's app, which fetches the picture without our cookie.

    Made only when its owner is about to publish the picture.
    """
    if not settings.HTTPS:
        raise _refused("no_stories")
    expires = int(time.time()) + settings.PHOTO_LINK_SECONDS
    token = signer.sign(f"{photo.code.hex}.{expires}").rsplit(":", 1)[1]
    return settings.SITE_URL + reverse("story", args=[photo.code, expires, token])


def story_link_is_good(code: uuid.UUID, expires: int, token: str) -> bool:
    try:
        signer.unsign(f"{code.hex}.{expires}:{token}")
    except BadSignature:
        return False
    return time.time() <= expires
