"""Imagine: a seeded poster composed from the words. Modest and honest: it knows what it knows.

Words that name nothing here still decide the composition: they are part of the seed.
"""

from __future__ import annotations

import hashlib

import numpy as np

from ..base import Order, ProviderError, Report
from . import patterns, scenery
from .palettes import palette
from .pixels import Picture, to_jpeg

LONG_SIDE = 1024
SIZES = {
    "auto": (1024, 1024),
    "1:1": (1024, 1024),
    "3:4": (768, 1024),
    "4:3": (1024, 768),
    "9:16": (576, 1024),
    "16:9": (1024, 576),
}
MOST = 4


def examine(order: Order) -> None:
    if not order.prompt.strip():
        raise ProviderError("words_needed", "imagine without a prompt")
    if order.aspect not in SIZES or not 1 <= order.count <= MOST:
        raise ProviderError("size_unknown", f"{order.aspect} x {order.count}")


def pictures(order: Order, report: Report) -> tuple[bytes, ...]:
    examine(order)
    done = []
    for index in range(order.count):
        report(5 + 90 * index // order.count, "painting")
        done.append(
            to_jpeg(Picture(compose(order.prompt, SIZES[order.aspect], order.seed + index)))
        )
    report(96, "finishing")
    return tuple(done)


def compose(prompt: str, size: tuple[int, int], seed: int) -> np.ndarray:
    """RGB bytes, always the same for the same words, size and seed."""
    words = " ".join(prompt.lower().split())
    rng = np.random.default_rng(_seed(words, seed))
    colours = palette(words, rng)
    pattern = patterns.asked_for(words)
    if scenery.asked_for(words) and pattern in (None, "waves", "gradient"):
        canvas = scenery.draw(words, size, colours, rng)
    else:
        canvas = patterns.draw(pattern or _any_pattern(rng), size, colours, rng)
    return _finished(canvas, rng)


def _seed(words: str, seed: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{words}\n{seed}".encode()).digest()[:8])


def _any_pattern(rng: np.random.Generator) -> str:
    return str(rng.choice(["gradient", "circles", "waves", "triangles"]))


def _finished(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Paper: a breath of grain, and corners a little darker."""
    height, width = canvas.shape[:2]
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None]
    corners = 1 - 0.16 * np.clip(np.hypot(rows, columns) - 0.55, 0, 1)
    grain = rng.standard_normal((height, width), dtype=np.float32) * 0.011
    return np.uint8(np.clip((canvas * corners[..., None] + grain[..., None]) * 255 + 0.5, 0, 255))
