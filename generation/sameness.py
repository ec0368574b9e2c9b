"""Whether a finished picture is one that nobody should pay for: its own input again, or blank.

A mean over the picture cannot tell: glasses drawn on a face leave a mean SSIM of 0.993, while the
untouched photo saved once more at JPEG quality 70 has 0.984. So the worst place decides. Measured
on seven pictures, saved again (JPEG 50 and 70, WebP 60) or resized (0.5 to 2 times): a patch is off
by 8 levels at most; with glasses or a necklace put on, by 54 and more, with a spot of 2 %, by 36.

It decodes, so give it pictures that have been through ``decoding``. OpenCV takes 0.3 s to load:
import this module where a result is judged, not at the start.
"""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
from PIL import Image

SIDE = 256
PATCH = 8
CELL = 16
MAX_STRETCH = 0.03
MAX_HASH_BITS = 16
MIN_MEAN_SSIM = 0.88
MIN_CELL_STRUCTURE = 0.6
MAX_PATCH_LEVELS = 12
BLANK_SIDE = 64
BLANK_LEVELS = 10
# The stabilizers of SSIM for 8 bits, as in the paper by Wang et al.
C1, C2 = 6.5025, 58.5225


def same_picture(before: bytes, after: bytes) -> bool:
    """Whether ``after`` is ``before``, at most encoded or scaled anew.

    A crop, a mirror image, another colour or any small new thing makes it another picture.
    """
    first, second = _opened(before), _opened(after)
    if abs(first.width * second.height / (first.height * second.width) - 1) > MAX_STRETCH:
        return False
    one, two = _pixels(first, SIDE), _pixels(second, SIDE)
    gray, other = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (one, two))
    return (
        np.count_nonzero(_dhash(gray) != _dhash(other)) <= MAX_HASH_BITS
        and _patch_levels(one, two) <= MAX_PATCH_LEVELS
        and _is_alike(gray, other)
    )


def is_blank(data: bytes) -> bool:
    """Whether the picture is one colour, give or take noise. A thin line on paper is not blank."""
    pixels = _pixels(_opened(data), BLANK_SIDE)
    return bool(np.abs(pixels - np.median(pixels, axis=(0, 1))).max() < BLANK_LEVELS)


def _opened(data: bytes) -> Image.Image:
    """The picture in RGB, what is transparent laid on white paper."""
    picture = Image.open(BytesIO(data))
    picture.draft("RGB", (2 * SIDE, 2 * SIDE))
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    paper = Image.new("RGBA", picture.size, "white")
    paper.alpha_composite(picture.convert("RGBA"))
    return paper.convert("RGB")


def _pixels(picture: Image.Image, side: int) -> np.ndarray:
    """A square of ``side`` as numbers: each pixel is the mean of what it covers."""
    small = picture.resize((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(small, dtype=np.float32)


def _dhash(gray: np.ndarray) -> np.ndarray:
    """64 bits: where the picture grows brighter from left to right. Tells strangers at once."""
    small = cv2.resize(gray, (9, 8), interpolation=cv2.INTER_AREA)
    return small[:, 1:] > small[:, :-1]


def _patch_levels(one: np.ndarray, two: np.ndarray) -> float:
    """By how many of 255 levels the most different patch differs in red, green or blue.

    Colour counts: a recoloured shirt may keep every gray. Encoders err from pixel to pixel, so
    their errors cancel out within a patch.
    """
    patches = (one - two).reshape(SIDE // PATCH, PATCH, SIDE // PATCH, PATCH, 3)
    return float(np.abs(patches.mean(axis=(1, 3))).max())


def _is_alike(one: np.ndarray, two: np.ndarray) -> bool:
    """SSIM over the whole, and its part about structure in the worst cell.

    Brightness is left out of the latter: in black, five levels would weigh as much as a new thing.
    """
    mean, other = _blurred(one), _blurred(two)
    spread = _blurred(one * one) - mean * mean
    spread_other = _blurred(two * two) - other * other
    shared = _blurred(one * two) - mean * other
    structure = (2 * shared + C2) / (spread + spread_other + C2)
    light = (2 * mean * other + C1) / (mean * mean + other * other + C1)
    cells = structure.reshape(SIDE // CELL, CELL, SIDE // CELL, CELL).mean(axis=(1, 3))
    return bool((light * structure).mean() >= MIN_MEAN_SSIM and cells.min() >= MIN_CELL_STRUCTURE)


def _blurred(gray: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(gray, (11, 11), 1.5)
