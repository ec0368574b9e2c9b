"""What is asked of Telegram for one message: the Bot API's own parameters, with the picture."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from telegram import Bot, InputMediaDocument, InputMediaPhoto

from generation import photos
from generation.models import Photo
from generation.problems import refused
from telegram_integration.models import OutgoingMessage
from telegram_integration.threads import in_thread

METHODS: dict[str, Callable[..., Awaitable[Any]]] = {
    "sendMessage": Bot.send_message,
    "sendInvoice": Bot.send_invoice,
    "editMessageText": Bot.edit_message_text,
    "editMessageMedia": Bot.edit_message_media,
    "editMessageReplyMarkup": Bot.edit_message_reply_markup,
    "deleteMessage": Bot.delete_message,
}
# What Telegram shows as a photo: in bytes, in width and height together, in proportion.
PHOTO_BYTES, PHOTO_SIDES, PHOTO_RATIO = 10 * 1024 * 1024, 10_000, 20


async def send(bot: Bot, row: OutgoingMessage) -> Any:
    """What Telegram answers. Raises TelegramError, or a Problem where the picture was deleted
    meanwhile: it is read from the storage now."""
    asked = {**_where(row), **row.body}
    if row.is_inline and row.file_id:
        asked["media"] = InputMediaPhoto(row.file_id, caption=asked.pop("caption", ""))
    elif row.photo_id:
        data, name = await in_thread(_picture, row.photo)
        kind = _kind(row.photo, asked.pop("media", {}).get("type", "photo"))
        asked["media"] = kind(data, caption=asked.pop("caption", ""), filename=name)
    return await METHODS[row.method](bot, **asked)


def _where(row: OutgoingMessage) -> dict[str, Any]:
    if row.is_inline:
        return {"inline_message_id": row.edits.inline_message_id}
    return {"chat_id": row.chat_id} | ({"message_id": row.edits.message_id} if row.edits_id else {})


def _kind(photo: Photo, wanted: str) -> type[InputMediaPhoto] | type[InputMediaDocument]:
    return InputMediaPhoto if wanted == "photo" and is_photo(photo) else InputMediaDocument


def is_photo(photo: Photo) -> bool:
    """Whether Telegram shows it as a photo. Larger or longer ones it takes as files alone."""
    long, short = max(photo.width, photo.height), min(photo.width, photo.height)
    fits = long + short <= PHOTO_SIDES and long <= PHOTO_RATIO * short
    return fits and photo.size <= PHOTO_BYTES


def _picture(photo: Photo) -> tuple[bytes, str]:
    """As it is now, for a while may have passed since the row was looked at."""
    photo.refresh_from_db(fields=["master", "deleted_at"])
    if photo.deleted_at:
        raise refused("photo_gone", status=409)
    return photos.read(photo), f"{photo.code}.{photo.master.rsplit('.', 1)[1]}"


def file_id(row: OutgoingMessage, answer: Any) -> str:
    """How Telegram calls the picture that came with this row, in its largest size."""
    sizes = getattr(answer, "photo", None) if row.photo_id else None
    return str(sizes[-1].file_id) if sizes else ""
