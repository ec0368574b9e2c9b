"""Messages are rows before they are sent. Whoever writes one is in a transaction of their own."""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from billing.models import Payment
from generation.models import Job, Photo
from telegram_integration.keyboards import Keyboard, button, markup
from telegram_integration.models import INLINE, Lane, OutgoingMessage

TEXT_CHARACTERS = 4096
CAPTION_CHARACTERS = 1024
TITLE_CHARACTERS = 32


def say(
    chat_id: int,
    text: str,
    *,
    key: str,
    keyboard: Keyboard | None = None,
    reply_to: int | None = None,
    lane: Lane = Lane.TALK,
    job: Job | None = None,
    due_at: datetime | None = None,
) -> OutgoingMessage:
    """A text, once under ``key``. Plain: nothing in it means anything to Telegram."""
    body: dict[str, Any] = {"text": bounded(text, TEXT_CHARACTERS)}
    if keyboard:
        body["reply_markup"] = markup(keyboard)
    if reply_to:
        body["reply_parameters"] = {"message_id": reply_to, "allow_sending_without_reply": True}
    return _write(key, chat_id=chat_id, lane=lane, method="sendMessage", body=body, job=job,
                  due_at=due_at or timezone.now())  # fmt: skip


def inline(inline_message_id: str, *, job: Job | None = None) -> OutgoingMessage:
    """What somebody sent by inline mode: it is there, and can be changed. ``job`` is its newest."""
    place = INLINE - 1 - zlib.crc32(inline_message_id.encode())  # two in one place only wait longer
    sent = _write(
        f"inline:{inline_message_id}", inline_message_id=inline_message_id, chat_id=place,
        method="answerInlineQuery", state=OutgoingMessage.State.SENT, sent_at=timezone.now(),
    )  # fmt: skip
    if job:
        sent.job = job
        sent.save(update_fields=["job"])
    return sent


def postpone(
    chat_id: int,
    text: str,
    *,
    key: str,
    keyboard: Keyboard,
    until: datetime,
    data: dict[str, Any],
) -> None:
    """Say it when nothing more has come until then; what came replaces what was to be said, or
    what was said too early."""
    body = {"text": text, "reply_markup": markup(keyboard)}
    fields = {"body": body, "due_at": until, "data": data}
    rows = OutgoingMessage.objects.filter(key=key)
    if rows.filter(state=OutgoingMessage.State.WAITING).update(**fields):
        return
    asked = _write(key, chat_id=chat_id, lane=Lane.TALK, method="sendMessage", **fields)
    if asked.data != data:
        rows.update(data=data)
        again = OutgoingMessage.objects.filter(edits=asked).count()
        change(asked, text, key=f"{key}:{again}", keyboard=keyboard, lane=Lane.TALK)


def file(chat_id: int, photo: Photo, *, key: str) -> OutgoingMessage:
    """The picture as it is kept, which Telegram does not press together. It takes the place of a
    message, so it is there once."""
    message = say(chat_id, "…", key=f"{key}:message", lane=Lane.RESULT)
    return _write(key, chat_id=chat_id, lane=Lane.RESULT, method="editMessageMedia",
                  body={"media": {"type": "document"}}, edits=message, photo=photo)  # fmt: skip


def change(
    message: OutgoingMessage,
    text: str,
    *,
    key: str,
    keyboard: Keyboard | None = None,
    lane: Lane = Lane.RESULT,
) -> OutgoingMessage:
    """Other words in place of an earlier message's."""
    body = {"text": bounded(text, TEXT_CHARACTERS), "reply_markup": markup(keyboard or [])}
    return _write(key, chat_id=message.chat_id, lane=lane, method="editMessageText", body=body,
                  job=message.job, edits=message)  # fmt: skip


def new_buttons(message: OutgoingMessage, *, key: str, keyboard: Keyboard) -> OutgoingMessage:
    return _write(key, chat_id=message.chat_id, method="editMessageReplyMarkup", edits=message,
                  body={"reply_markup": markup(keyboard)})  # fmt: skip


def take_away(message: OutgoingMessage, *, key: str) -> OutgoingMessage:
    return _write(key, chat_id=message.chat_id, method="deleteMessage", edits=message)


def turn_into(
    message: OutgoingMessage, photo: Photo, caption: str, *, key: str, keyboard: Keyboard
) -> OutgoingMessage:
    """A picture in place of an earlier message: done twice, it is there once."""
    body = {"caption": bounded(caption, CAPTION_CHARACTERS), "reply_markup": markup(keyboard)}
    return _write(key, chat_id=message.chat_id, lane=Lane.RESULT, method="editMessageMedia",
                  body=body, job=message.job, edits=message, photo=photo)  # fmt: skip


def show_known(
    message: OutgoingMessage, file_id: str, caption: str, *, key: str, keyboard: Keyboard
) -> OutgoingMessage:
    """A picture that Telegram has, in place of what was sent inline: none can be uploaded there."""
    body = {"caption": bounded(caption, CAPTION_CHARACTERS), "reply_markup": markup(keyboard)}
    return _write(key, chat_id=message.chat_id, lane=Lane.RESULT, method="editMessageMedia",
                  body=body, job=message.job, edits=message, file_id=file_id)  # fmt: skip


def invoice(chat_id: int, payment: Payment, *, key: str) -> OutgoingMessage:
    """What is sold for Stars, with Telegram's own button to pay it."""
    price = {"label": payment.name[:TITLE_CHARACTERS], "amount": int(payment.amount)}
    body = {
        "title": payment.name[:TITLE_CHARACTERS], "description": payment.name,
        "payload": str(payment.code), "provider_token": "", "currency": "XTR", "prices": [price],
    }  # fmt: skip
    return _write(key, chat_id=chat_id, lane=Lane.RESULT, method="sendInvoice", body=body)


def invoice_once_more(row: OutgoingMessage) -> None:
    """An invoice of which nobody knows whether it arrived is not sent twice: it is offered."""
    payment = Payment.objects.select_related("account__user", "product").get(
        code=row.body["payload"]
    )
    errand = [payment.errand] if payment.errand else []
    with translation.override(payment.account.user.language):
        text = _("Telegram did not answer. If you see no invoice above, press the button.")
        label = _("Show the invoice")
        say(row.chat_id, text, key=f"{row.key}:offer"[:120],
            keyboard=[[button(label, "pay", payment.product.code, *errand)]])  # fmt: skip


def bounded(text: str, most: int) -> str:
    """Telegram counts UTF-16 units."""
    units = text.encode("utf-16-le")
    if len(units) <= most * 2:
        return text
    return units[: (most - 1) * 2].decode("utf-16-le", "ignore") + "…"


def _write(key: str, **fields: Any) -> OutgoingMessage:
    return OutgoingMessage.objects.get_or_create(key=key, defaults=fields)[0]
