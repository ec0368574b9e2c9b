"""A message as a person sees it at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.vendors.botapi.files import Files
from tests.vendors.botapi.world import Message


@dataclass(frozen=True)
class Seen:
    """``photo`` and ``document`` are the bytes as they were uploaded, ``raw`` the whole message.

    ``update_id`` is what told the bot of it, where a person wrote it and the bot was told.
    """

    id: int
    chat_id: int
    by_bot: bool
    text: str
    caption: str
    photo: bytes | None
    document: bytes | None
    file_name: str
    buttons: list[list[dict[str, Any]]]
    reply_to: int | None
    raw: Message
    update_id: int | None = None

    @property
    def words(self) -> str:
        """The text, or what stands under the picture."""
        return self.text or self.caption

    @property
    def labels(self) -> list[str]:
        return [button["text"] for row in self.buttons for button in row]

    def button(self, label: str) -> dict[str, Any]:
        """The button with this text. Raises LookupError where there is none to see."""
        for button in (button for row in self.buttons for button in row):
            if button["text"] == label:
                return button
        raise LookupError(f"no button {label!r} among {self.labels}")


def seen(message: Message, files: Files, update_id: int | None = None) -> Seen:
    document = message.get("document", {})
    return Seen(
        id=message.get("message_id", 0),
        chat_id=message.get("chat", {}).get("id", 0),
        by_bot=message.get("from", {}).get("is_bot", True),
        text=message.get("text", ""),
        caption=message.get("caption", ""),
        photo=_photo(message, files),
        document=files.original(document["file_id"]) if document else None,
        file_name=document.get("file_name", ""),
        buttons=message.get("reply_markup", {}).get("inline_keyboard", []),
        reply_to=message.get("reply_to_message", {}).get("message_id"),
        raw=dict(message),
        update_id=update_id,
    )


def _photo(message: Message, files: Files) -> bytes | None:
    """Nothing where a picture lies on the web and nobody has said what is there."""
    sizes = message.get("photo")
    return files.original(sizes[-1]["file_id"]) if sizes else None
