"""What a provider would be sent with these words: for staff who write them."""

from __future__ import annotations

import io
from typing import Any

from django.utils.translation import gettext as _
from PIL import Image

from generation import prompts
from generation.models import Tool
from generation.providers import chat
from generation.providers.base import Order, Talk

SAMPLE_TALK = (
    ("person", "Make the sky pink"),
    ("assistant", "A pink sky it is. Choose one of these three."),
)
SAMPLE_MESSAGE = "И пусть будет вечер"
SAMPLE_LANGUAGE = "ru"


def sample(name: str, text: str) -> Order:
    """An order as the worker would place it."""
    if name == prompts.ASSISTANT:
        talk = Talk(text, SAMPLE_LANGUAGE, SAMPLE_TALK)
        return Order("sample", Tool.ASSISTANT, SAMPLE_MESSAGE, (_blank(),), talk=talk)
    return Order("sample", Tool.TRYON, text, (_blank(), _blank()), zone=name)


def parts(order: Order) -> list[tuple[str, str]]:
    """(what it is, what is sent), in the order of sending."""
    if order.talk:
        sent = chat.messages_of(order)
        return [(message["role"], _words(message["content"])) for message in sent]
    return [
        (_("text"), order.prompt),
        (_("image 1"), _("the person's photo")),
        (_("image 2"), _("the item's photo")),
    ]


def _words(content: str | list[dict[str, Any]]) -> str:
    """A message with a picture in it is a list of parts."""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text") or _("[the picture, as it is now]") for part in content)


def _blank() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(out, "JPEG")
    return out.getvalue()
