"""Imagined patterns and abstract shapes, in the flat, layered manner of a poster."""

from __future__ import annotations

import cv2
import numpy as np

from .lighting import blurred
from .palettes import Palette, has, mix, noise

Rng = np.random.Generator
WORDS = {
    "stripes": r"stripes?|striped|lines?|полос\w*|лини[яий]\w*",
    "waves": r"waves?|wavy|волн\w*",
    "circles": r"circles?|dots?|rings?|bubbles?|spheres?|круг\w*|точк\w*|кольц\w*|пузыр\w*"
    r"|шар\w*|горошек|горох",
    "mosaic": r"mosaic\w*|tiles?|tiled|squares?|pixels?|мозаик\w*|плитк\w*|квадрат\w*|пиксел\w*",
    "triangles": r"triangles?|geometr\w*|polygon\w*|low.?poly|треугольник\w*|геометр\w*"
    r"|полигон\w*|грани",
    "gradient": r"abstract\w*|gradient\w*|shapes?|pattern\w*|абстракц\w*|абстрактн\w*"
    r"|градиент\w*|фигур\w*|узор\w*",
}


def asked_for(words: str) -> str | None:
    return next((name for name, pattern in WORDS.items() if has(words, pattern)), None)


def draw(name: str, size: tuple[int, int], colours: Palette, rng: Rng) -> np.ndarray:
    return DRAW[name](size, colours, rng)


def _shades(colours: Palette) -> list[np.ndarray]:
    return [colours.top, *colours.accents, colours.horizon]


def _ground(size: tuple[int, int], colours: Palette, rng: Rng) -> np.ndarray:
    """A slanting gradient that slow noise bends."""
    width, height = size
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    angle = float(rng.uniform(0.5, 2.2))
    way = columns * np.cos(angle) + rows * np.sin(angle) + 0.16 * noise(rng, height, width, 1.4, 2)
    way = (way - way.min()) / (np.ptp(way) + 1e-6)
    shades = np.stack([colours.top, colours.middle, colours.horizon])
    return np.dstack([np.interp(way, [0, 0.5, 1], shades[:, i]) for i in range(3)]).astype(
        np.float32
    )


def _stripes(size, colours: Palette, rng: Rng) -> np.ndarray:
    width, height = size
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    angle = float(rng.choice([0.0, 0.35, 0.785, 1.571]))
    way = columns * np.cos(angle) + rows * np.sin(angle)
    canvas, shades = np.zeros((height, width, 3), np.float32), _shades(colours)
    at, index = float(way.min()) - 10, 0
    while at < way.max():
        broad = max(height, width) * float(rng.uniform(0.025, 0.09))
        cover = (np.clip(way - at + 0.5, 0, 1) * np.clip(at + broad - way + 0.5, 0, 1))[..., None]
        canvas = canvas * (1 - cover) + shades[index % len(shades)] * cover
        at, index = at + broad, index + 1 + int(rng.integers(0, 2))
    return canvas


def _waves(size, colours: Palette, rng: Rng) -> np.ndarray:
    width, height = size
    canvas, shades = _ground(size, colours, rng), _shades(colours)
    columns = np.linspace(0, 2 * np.pi, width, dtype=np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    for index in range(9):
        phase, often = float(rng.uniform(0, 6.28)), float(rng.uniform(0.7, 1.7))
        edge = height * (0.16 + 0.1 * index) + height * 0.05 * (
            np.sin(columns * often + phase) + 0.4 * np.sin(columns * often * 2.3 + phase)
        )
        below = rows - edge[None]
        cover = np.clip(below + 0.5, 0, 1)[..., None]
        canvas *= 1 - 0.3 * (np.exp(-np.abs(below) / (height * 0.02)) * (below < 0))[..., None]
        shade = mix(shades[index % len(shades)], colours.land, 0.06 * index)
        canvas = canvas * (1 - cover) + shade * cover
    return canvas


def _circles(size, colours: Palette, rng: Rng) -> np.ndarray:
    width, height = size
    canvas, shades = _ground(size, colours, rng), _shades(colours)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    for index in range(int(rng.integers(9, 14))):
        radius = min(size) * float(rng.uniform(0.04, 0.3)) * (1 if index < 5 else 0.55)
        x, y = width * float(rng.uniform(0.05, 0.95)), height * float(rng.uniform(0.05, 0.95))
        away = np.hypot(columns - x, rows - y)
        cover = np.clip(radius - away + 0.5, 0, 1)
        if rng.random() < 0.3:
            cover *= np.clip(away - radius * 0.72 + 0.5, 0, 1)
        fall = np.clip(
            1.25 - np.hypot(columns - x - radius * 0.15, rows - y - radius * 0.25) / radius, 0, 1
        )
        canvas *= (1 - 0.22 * np.clip(fall * 4, 0, 1) * (1 - cover))[..., None]
        light = 1.08 - 0.3 * np.clip(((columns - x) + (rows - y)) / (2 * radius) + 0.5, 0, 1)
        shade = shades[int(rng.integers(1, len(shades)))] * light[..., None]
        canvas = canvas * (1 - 0.93 * cover[..., None]) + shade * 0.93 * cover[..., None]
    return canvas


def _mosaic(size, colours: Palette, rng: Rng) -> np.ndarray:
    width, height = size
    canvas = np.ones((height, width, 3), np.float32) * mix(
        colours.horizon, np.ones(3, np.float32), 0.6
    )
    step = max(size) / int(rng.integers(8, 13))
    shades = _shades(colours)
    for row in range(int(np.ceil(height / step))):
        for column in range(int(np.ceil(width / step))):
            shade, other = (shades[int(rng.integers(len(shades)))] for _ in range(2))
            _tile(canvas, column * step, row * step, step, shade, other, int(rng.integers(6)))
    return canvas


def _tile(canvas, x: float, y: float, step: float, shade, other, kind: int) -> None:
    """One tile: plain, a quarter circle from one of the corners, or a disc."""
    gap = step * 0.025
    one, two = tuple(float(c) for c in shade), tuple(float(c) for c in other)
    corner = [
        (int((x + gap) * 16), int((y + gap) * 16)),
        (int((x + step - gap) * 16), int((y + step - gap) * 16)),
    ]
    cv2.rectangle(canvas, *corner, one, -1, cv2.LINE_AA, 4)
    x0, y0, x1, y1 = (round(v) for v in (x + gap, y + gap, x + step - gap, y + step - gap))
    patch = canvas[max(0, y0) : y1, max(0, x0) : x1]
    if kind < 4:
        middle = (int((kind % 2) * (x1 - x0) * 16), int((kind // 2) * (y1 - y0) * 16))
        _disc(patch, middle, int((x1 - x0) * 0.98 * 16), two)
    elif kind == 4:
        _disc(patch, (int((x1 - x0) * 8), int((y1 - y0) * 8)), int((x1 - x0) * 0.34 * 16), two)


def _disc(patch: np.ndarray, middle: tuple[int, int], radius: int, colour) -> None:
    part = np.ascontiguousarray(patch)
    cv2.circle(part, middle, radius, colour, -1, cv2.LINE_AA, 4)
    patch[:] = part


def _triangles(size, colours: Palette, rng: Rng) -> np.ndarray:
    """A faceted sheet: a jittered grid cut into triangles, each in the colour of its middle."""
    width, height = size
    ground = _ground(size, colours, rng)
    across = 9 if width >= height else 6
    down = max(3, round(across * height / width))
    points = np.array(
        [
            [[c * width / across, r * height / down] for c in range(-1, across + 2)]
            for r in range(-1, down + 2)
        ]
    ) + rng.uniform(-0.32, 0.32, (down + 3, across + 3, 2)) * [width / across, height / down]
    canvas = ground.copy()
    for r in range(down + 2):
        for c in range(across + 2):
            a, b, d, e = points[r, c], points[r, c + 1], points[r + 1, c], points[r + 1, c + 1]
            for facet in ((a, b, d), (b, e, d)) if (r + c) % 2 else ((a, b, e), (a, e, d)):
                _facet(canvas, ground, np.array(facet), float(rng.normal(1, 0.13)), colours, rng)
    return canvas


def _facet(canvas, ground, facet: np.ndarray, light: float, colours: Palette, rng: Rng) -> None:
    height, width = ground.shape[:2]
    x, y = np.clip(facet.mean(0), 0, [width - 1, height - 1]).astype(int)
    shade = (
        ground[y, x]
        if rng.random() > 0.12
        else colours.accents[int(rng.integers(len(colours.accents)))]
    )
    tone = tuple(float(v) for v in np.clip(shade * light, 0, 1))
    cv2.fillPoly(canvas, [np.int32(facet * 16)], tone, cv2.LINE_AA, 4)
    cv2.polylines(canvas, [np.int32(facet * 16)], True, tone, 1, cv2.LINE_AA, 4)


def _gradient(size, colours: Palette, rng: Rng) -> np.ndarray:
    """Soft clouds of colour with a few crisp shapes floating before them."""
    width, height = size
    canvas = _ground(size, colours, rng)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    for shade in colours.accents:
        x, y = width * float(rng.uniform(0, 1)), height * float(rng.uniform(0, 1))
        spread = max(size) * float(rng.uniform(0.16, 0.34))
        cover = 0.75 * np.exp(-((np.hypot(columns - x, rows - y) / spread) ** 2))[..., None]
        canvas = canvas * (1 - cover) + shade * cover
    for index in range(4):
        canvas = _floating(
            canvas, _shape(size, rng, index), colours.accents[index % len(colours.accents)], rng
        )
    return canvas


def _shape(size, rng: Rng, index: int) -> np.ndarray:
    """Coverage of a disc, a ring, a triangle or a bar somewhere around the middle."""
    width, height = size
    plane = np.zeros((height, width), np.uint8)
    x, y = width * float(rng.uniform(0.2, 0.8)), height * float(rng.uniform(0.2, 0.8))
    radius, turn = min(size) * float(rng.uniform(0.09, 0.22)), float(rng.uniform(0, 6.28))
    if index % 4 < 2:
        thick = -1 if index % 4 == 0 else max(2, int(radius * 0.18))
        cv2.circle(plane, (int(x * 16), int(y * 16)), int(radius * 16), 255, thick, cv2.LINE_AA, 4)
    else:
        angles = [0, 2.094, 4.189] if index % 4 == 2 else [0.12, 3.02, 3.26, 6.16]
        spots = [
            [x + 1.4 * radius * np.cos(turn + a), y + 1.4 * radius * np.sin(turn + a)]
            for a in angles
        ]
        cv2.fillPoly(plane, [np.int32(np.array(spots) * 16)], 255, cv2.LINE_AA, 4)
    return plane.astype(np.float32) / 255


def _floating(canvas: np.ndarray, cover: np.ndarray, shade: np.ndarray, rng: Rng) -> np.ndarray:
    drop = max(canvas.shape[:2]) * 0.018
    step = np.float32([[1, 0, drop * 0.5], [0, 1, drop]])
    fall = blurred(cv2.warpAffine(cover, step, cover.shape[::-1]), drop)
    canvas = canvas * (1 - 0.28 * fall * (1 - cover))[..., None]
    rows = np.linspace(1.1, 0.86, cover.shape[0], dtype=np.float32)[:, None, None]
    share = 0.94 * cover[..., None]
    return canvas * (1 - share) + np.clip(shade * rows, 0, 1) * share


DRAW = {
    "stripes": _stripes,
    "waves": _waves,
    "circles": _circles,
    "mosaic": _mosaic,
    "triangles": _triangles,
    "gradient": _gradient,
}
