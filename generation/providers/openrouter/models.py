"""How each model behind OpenRouter is asked, and for what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CHAT, IMAGES = "chat", "images"
ASPECTS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")


@dataclass(frozen=True)
class Model:
    """How one model is asked, and for what."""

    way: str = CHAT
    modalities: tuple[str, ...] = ("image", "text")  # chat only; image-only models: ("image",)
    most: int = 10  # pictures sent along
    batch: int = 1  # pictures that one request may ask for, /images only
    words: int = 20000  # characters of the prompt
    aspects: tuple[str, ...] = ASPECTS
    size: str = ""  # "1K", "2K": image_size in chat, resolution in /images
    seeded: bool = True
    fixed: Mapping[str, Any] = field(default_factory=dict)  # sent as it stands


MODELS = {
    "google/gemini-3-pro-image": Model(size="1K"),
    "google/gemini-3.1-flash-lite-image": Model(),
    "openai/gpt-image-2": Model(IMAGES, batch=4, seeded=False),
    "black-forest-labs/flux.2-pro": Model(modalities=("image",), most=8),
}
# The newest id for which no shutdown is announced. It is checked against the vendor's list.
PREFERRED = "google/gemini-3-pro-image"
