"""A caption on a picture, in DejaVu Sans Bold: it draws Latin, Cyrillic and Greek."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .pixels import Picture

FONT = Path(__file__).parent / "fonts" / "DejaVuSans-Bold.ttf"
MOST_LINES = 4


def caption(picture: Picture, text: str) -> Picture:
    """White letters near the lower edge, on a shadow that keeps them readable on any photo."""
    lines, font = _fitted(" ".join(text.split()), picture.width, picture.height)
    letters = _drawn(lines, font, picture)
    near = letters.filter(ImageFilter.GaussianBlur(font.size * 0.12))
    far = letters.filter(ImageFilter.GaussianBlur(font.size * 0.55))
    dark = (
        np.clip(np.asarray(near, np.float32) * 0.5 + np.asarray(far, np.float32) * 0.9, 0, 190)
        / 255
    )
    share = np.asarray(letters, np.float32)[..., None] / 255
    rgb = picture.rgb * (1 - dark[..., None]) * (1 - share) + 252 * share
    alpha = (
        picture.alpha if picture.alpha is None else np.maximum(picture.alpha, np.asarray(letters))
    )
    return Picture(np.uint8(np.clip(rgb + 0.5, 0, 255)), alpha)


def _fitted(text: str, width: int, height: int) -> tuple[list[str], ImageFont.FreeTypeFont]:
    """Lines and the largest letters with which they fill at most four lines."""
    size = max(10, round(min(width, height) * 0.085))
    while True:
        font = ImageFont.truetype(str(FONT), size)
        lines = _wrapped(text, font, width * 0.88)
        if (len(lines) <= MOST_LINES and _widest(lines, font) <= width * 0.9) or size <= 9:
            return lines[:MOST_LINES], font
        size = int(size * 0.88)


def _widest(lines: list[str], font: ImageFont.FreeTypeFont) -> float:
    return max(font.getlength(line) for line in lines)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, room: float) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _drawn(lines: list[str], font: ImageFont.FreeTypeFont, picture: Picture) -> Image.Image:
    plane = Image.new("L", (picture.width, picture.height))
    pen, step = ImageDraw.Draw(plane), font.size * 1.22
    top = picture.height - step * len(lines) - font.size * 0.55
    for index, line in enumerate(lines):
        pen.text((picture.width / 2, top + index * step), line, font=font, fill=255, anchor="ma")
    return plane
