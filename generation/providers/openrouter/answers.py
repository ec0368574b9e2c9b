"""What comes back from OpenRouter: where the pictures are, and what they cost."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from generation.providers.base import NO_IMAGE, ProviderError
from generation.providers.foreign import as_dict, as_dicts, as_number
from generation.providers.openrouter_errors import meaning, policy
from generation.providers.vendor import DETAIL_CHARACTERS


@dataclass(frozen=True)
class Answer:
    """What one request brought: where the pictures are, and what they cost in dollars."""

    urls: tuple[str, ...]
    model: str = ""
    dollars: Decimal | None = None


def chat_answer(body: dict[str, Any]) -> Answer:
    """Pictures lie beside the words of the answer; there may be words only."""
    choice = next(iter(as_dicts(body.get("choices"))), {})
    message = as_dict(choice.get("message"))
    if choice.get("error") or choice.get("finish_reason") == "error":
        raise meaning(as_dict(choice.get("error")), 500, accepted=True)
    if choice.get("finish_reason") == "content_filter" or message.get("refusal"):
        raise policy(message)
    links = [
        as_dict(image.get("image_url")).get("url") for image in as_dicts(message.get("images"))
    ]
    urls = tuple(url for url in links if isinstance(url, str) and url)
    if not urls:
        raise no_image(f"words only: {message.get('content')!r}")
    # One request is for one picture: whatever else lies there is a draft of it.
    return Answer(urls[:1], str(body.get("model") or ""), _dollars(body))


def images_answer(body: dict[str, Any], model_id: str) -> Answer:
    urls = tuple(url for row in as_dicts(body.get("data")) if (url := _url_of(row)))
    if not urls:
        raise no_image("no pictures in the answer")
    return Answer(urls, str(body.get("model") or model_id), _dollars(body))


def _url_of(row: dict[str, Any]) -> str:
    if row.get("b64_json"):
        return f"data:;base64,{row['b64_json']}"
    return str(row.get("url") or "")


def _dollars(body: dict[str, Any]) -> Decimal | None:
    return as_number(as_dict(body.get("usage")).get("cost"))


def no_image(detail: str) -> ProviderError:
    return ProviderError(NO_IMAGE, detail[:DETAIL_CHARACTERS], accepted=True)


def decoded(url: str) -> bytes:
    """The bytes in a data: address. Its label is not believed, see ``type_of``."""
    head, _, text = url.partition(",")
    try:
        return base64.b64decode("".join(text.split()), validate=True) if ";base64" in head else b""
    except (binascii.Error, ValueError):
        raise no_image(f"broken base64: {text[:40]!r}") from None


def type_of(data: bytes) -> str:
    """The type of a picture by its first bytes; empty where it is none."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    return "image/jpeg" if data.startswith(b"\xff\xd8\xff") else ""
