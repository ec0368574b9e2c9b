"""The parts of an order as OpenAI's API takes them: words, files, sizes."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image, UnidentifiedImageError

from generation.providers.base import INVALID_INPUT, Order, ProviderError

TAG = "sd_cpp_extra_args"
TAGGED = re.compile(rf"<\s*{TAG}\s*>.*?<\s*/\s*{TAG}\s*>", re.IGNORECASE | re.DOTALL)
TAG_NAME = re.compile(TAG, re.IGNORECASE)
TYPES = {b"\x89PNG": ("png", "image/png"), b"\xff\xd8\xff": ("jpg", "image/jpeg")}


def plain(prompt: str) -> str:
    """The prompt without sd.cpp's tag of parameters, however it was put together."""
    prompt = TAGGED.sub("", prompt)
    # What is left of the prompt may join into the name anew.
    while (shorter := TAG_NAME.sub("", prompt)) != prompt:
        prompt = shorter
    return prompt


def attached(pictures: tuple[bytes, ...]) -> Iterator[tuple[str, bytes, str]]:
    """File name, bytes and content type: without a true type the file is refused."""
    for number, data in enumerate(pictures, 1):
        known = next((TYPES[magic] for magic in TYPES if data.startswith(magic)), None)
        if known is None:
            raise ProviderError(INVALID_INPUT, f"picture {number} is neither JPEG nor PNG")
        yield f"picture-{number}.{known[0]}", data, known[1]


def text_of(value: Any) -> str:
    """A form field: JSON's true and false, not Python's."""
    return value if isinstance(value, str) else json.dumps(value)


def size_for(order: Order, sizes: Mapping[str, str]) -> str:
    """From the table; without an entry for "auto", the shape nearest to the first picture's."""
    if order.aspect in sizes:
        return sizes[order.aspect]
    if not order.pictures:
        return sizes.get("1:1", "")
    try:
        with Image.open(io.BytesIO(order.pictures[0])) as picture:
            ratio = picture.width / picture.height
    except (UnidentifiedImageError, OSError):
        raise ProviderError(INVALID_INPUT, "the first picture cannot be opened") from None
    return min(sizes.values(), key=lambda size: abs(_shape(size) / ratio - 1), default="")


def _shape(size: str) -> float:
    across, _, down = size.partition("x")
    return int(across) / int(down)
