"""What pixel engines of one's own need beside the order: a size, a mask, a draft to paint over."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PIL import Image, ImageDraw

from generation.providers.base import NO_IMAGE, Box, Order, ProviderError
from generation.providers.local import Local

PIXELS = 1024 * 1024
STEP = 8
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")


def size_for(order: Order, options: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height to paint at. Options: ``sizes`` by aspect, or ``pixels`` and ``size_step``.

    Without an aspect it follows the first picture, so that nobody is stretched.
    """
    if order.aspect in (sizes := options.get("sizes", {})):
        width, height = sizes[order.aspect]
        return int(width), int(height)
    step = int(options.get("size_step", STEP))
    across, down = _ratio(order)
    scale = math.sqrt(int(options.get("pixels", PIXELS)) / (across * down))
    return tuple(max(step, round(side * scale / step) * step) for side in (across, down))


def _ratio(order: Order) -> tuple[int, int]:
    if order.aspect != "auto":
        across, down = order.aspect.split(":")
        return int(across), int(down)
    return picture_size(order.pictures[0]) if order.pictures else (1, 1)


def picture_size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        return image.size


def mask_for(order: Order) -> Image.Image:
    """Of the first picture's size, white where to paint."""
    width, height = picture_size(order.pictures[0])
    left, top, across, down = place(order)
    mask = Image.new("L", (width, height), 0)
    corners = (left * width, top * height, (left + across) * width, (top + down) * height)
    ImageDraw.Draw(mask).rectangle([round(corner) for corner in corners], fill=255)
    return mask


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def place(order: Order) -> Box:
    """Where to paint: the person's own frame, else where the item goes, else everywhere."""
    if order.box:
        return order.box
    if order.tool != "tryon":
        return WHOLE
    return Local().locate(order.pictures[0], order.zone).box or WHOLE


def drafted(order: Order) -> Order:
    """A try-on as an edit of one picture: the item laid on by the built-in provider.

    Engines that take one picture would otherwise never see the item.
    """
    draft = Local().start(order, lambda percent, stage: None).pictures[0]
    return replace(order, pictures=(draft,), box=place(order))


def picture(data: bytes) -> bytes:
    """The same bytes, if they begin like a picture. The sandbox decodes them later."""
    if data.startswith(MAGIC):
        return data
    raise ProviderError(NO_IMAGE, f"not a picture: {data[:60]!r}", accepted=True)
