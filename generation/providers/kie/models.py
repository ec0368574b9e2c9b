"""What each of kie's models wants to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

COMMON = ("1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto")
EXTREME = ("1:4", "4:1", "1:8", "8:1")


@dataclass(frozen=True)
class Model:
    """What one model wants to be sent. No two of them agree on the names."""

    pictures: str = ""  # the field with the addresses; empty: it takes no pictures
    most: int = 0  # pictures
    megabytes: int = 30  # each
    words: int = 5000  # characters of the prompt
    aspects: tuple[str, ...] = COMMON
    fixed: Mapping[str, Any] = field(default_factory=dict)  # sent as it stands


MODELS = {
    "google/nano-banana": Model(fixed={"output_format": "png"}),
    "google/nano-banana-edit": Model("image_urls", 10, 10, fixed={"output_format": "png"}),
    "nano-banana-pro": Model(
        "image_input", 8, words=10000, fixed={"resolution": "1K", "output_format": "png"}
    ),
    "nano-banana-2": Model(
        "image_input", 14, words=20000, aspects=COMMON + EXTREME,
        fixed={"resolution": "1K", "output_format": "jpg"},
    ),
    "nano-banana-2-lite": Model("image_urls", 10, 10, aspects=COMMON + EXTREME),
}  # fmt: skip

# The google/ ones front a model with a shutdown date, so they are not among the defaults.
PREFERRED = ("nano-banana-2-lite", "nano-banana-2", "nano-banana-pro")
