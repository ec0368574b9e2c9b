"""Rotate, crop, resize: free, at once, on our own machine. The result is one more picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image

from generation import lineage, photos, watermark
from generation.models import Photo
from generation.problems import refused
from generation.providers.base import Box

LEAST = 64  # pixels on each side of what is cut out, and the smallest longest side
MOST = 2048
THINNEST = 16  # pixels on the short side of what was made smaller
TURNS = {
    90: Image.Transpose.ROTATE_270,  # ours go clockwise, Pillow's the other way
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Change:
    """What is done, in this order. ``degrees`` go clockwise; ``box`` and ``aspect`` are two ways to
    say what is cut out of the picture as it stands then; ``side`` is the longest, in pixels.
    """

    mirror: bool = False
    degrees: int = 0
    box: Box | None = None
    aspect: str = ""
    side: int | None = None
    enlarge: bool = False

    @property
    def recipe(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value}


def reshape(photo: Photo, change: Change) -> Photo:
    """The picture so changed; the same change of the same picture is there once.

    Raises a Problem where nothing would change, or too little would be left.
    """
    if known := lineage.known(photo, change.recipe):
        return known
    picture = photos.opened(photo)
    turned = _turned(picture, change)
    part = _cut(turned, change)
    changed = _resized(part, change)
    if changed is picture:
        raise refused("nothing_to_change")
    if photo.is_marked and part is not turned:  # else the mark could be cut off
        changed = watermark.sign(changed)
    return lineage.keep(photo, changed, change.recipe, as_png=photo.mime == "image/png")


def _turned(picture: Image.Image, change: Change) -> Image.Image:
    if change.mirror:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return picture.transpose(TURNS[change.degrees]) if change.degrees else picture


def _cut(picture: Image.Image, change: Change) -> Image.Image:
    edges = _edges(picture.size, change)
    if edges == (0, 0, *picture.size):
        return picture
    left, top, right, bottom = edges
    if min(right - left, bottom - top) < LEAST:
        raise refused("cut_too_small", limit=LEAST)
    return picture.crop(edges)


def _edges(size: tuple[int, int], change: Change) -> tuple[int, int, int, int]:
    """Left, top, right and bottom in pixels."""
    if change.aspect:
        return _largest(size, change.aspect)
    left, top, width, height = change.box or (0, 0, 1, 1)
    right, bottom = min(1, left + width), min(1, top + height)
    return (
        round(left * size[0]), round(top * size[1]), round(right * size[0]),
        round(bottom * size[1]),
    )  # fmt: skip


def _largest(size: tuple[int, int], aspect: str) -> tuple[int, int, int, int]:
    """The largest part of this shape. Of what is over in height two thirds go below: heads are
    rather above the middle.
    """
    across, down = (int(number) for number in aspect.split(":"))
    scale = min(size[0] / across, size[1] / down)
    width, height = round(across * scale), round(down * scale)
    left, top = (size[0] - width) // 2, (size[1] - height) // 3
    return left, top, left + width, top + height


def _resized(picture: Image.Image, change: Change) -> Image.Image:
    longest = max(picture.size)
    if change.side in (None, longest):
        return picture
    if change.side > longest and not change.enlarge:
        raise refused("larger_than_it_is", limit=longest)
    scale = change.side / longest
    size = (round(picture.width * scale), round(picture.height * scale))
    if min(size) < THINNEST:
        raise refused("too_thin", limit=THINNEST)
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
