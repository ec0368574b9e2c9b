"""Colours of an imagined picture: from the hour, the mood and the colour words of the prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .words import COLOURS

HOURS: dict[str, str] = {
    "dawn": r"dawn|sunrise|morning|рассвет\w*|утр\w*|восход\w*|зар[яюие]",
    "sunset": r"sunset|evening|dusk|golden hour|twilight|закат\w*|вечер\w*|сумер\w*",
    "night": r"night\w*|midnight|stars?|starry|moon\w*|galaxy|space|cosmos|aurora|ноч\w*"
    r"|полноч\w*|зв[её]зд\w*|лун\w*|космос\w*",
    "day": r"day\w*|noon|sunny|summer|spring|день|дн[яе]м|дневн\w*|полдень|солнечн\w*"
    r"|лет[оа]|летн\w*|весн\w*",
}
MOODS: dict[str, tuple[str, float, float]] = {  # words, saturation, lightness
    "calm": (
        r"calm|quiet|peaceful|soft|pastel|gentle|спокойн\w*|тих\w*|нежн\w*|пастел\w*|мягк\w*",
        0.72,
        0.08,
    ),
    "sad": (
        r"sad|gloomy|lonely|fog\w*|mist\w*|melanchol\w*|груст\w*|мрачн\w*|одинок\w*|туман\w*",
        0.5,
        -0.02,
    ),
    "bright": (
        r"bright|vivid|happy|joy\w*|neon|cheerful|ярк\w*|весёл\w*|весел\w*|радост\w*|неон\w*",
        1.3,
        0.03,
    ),
    "dark": (r"dark|mysterious|deep|т[её]мн\w*|таинств\w*|загадочн\w*", 0.95, -0.14),
}
SKIES = {
    "dawn": ("#3f4f86", "#c98fa8", "#ffdcb4", "#ffe9c4", "#3d4268"),
    "day": ("#2b79bf", "#7fc0e6", "#e9f4f2", "#fff8e0", "#2d5c6b"),
    "sunset": ("#2c2163", "#c44a70", "#ffb454", "#ffe2a0", "#2a1b46"),
    "night": ("#060a22", "#13214f", "#41538c", "#f3f0dc", "#080d26"),
}


@dataclass(frozen=True)
class Palette:
    """Sky from top to horizon, the colour of the light, and of the nearest, darkest land."""

    hour: str
    top: np.ndarray
    middle: np.ndarray
    horizon: np.ndarray
    light: np.ndarray
    land: np.ndarray
    accents: tuple[np.ndarray, ...]


def has(words: str, pattern: str) -> bool:
    return re.search(rf"(?<!\w)(?:{pattern})(?!\w)", words) is not None


def palette(words: str, rng: np.random.Generator) -> Palette:
    hour = next((name for name, pattern in HOURS.items() if has(words, pattern)), None)
    hour = hour or str(rng.choice(["dawn", "day", "sunset", "sunset"]))
    shades = [_hex(text) for text in SKIES[hour]]
    chosen = Palette(hour, *shades, accents=_accents(shades, rng))
    return _in_mood(words, _in_colours(_colours(words), chosen))


def _hex(text: str) -> np.ndarray:
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def _accents(shades: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    extra = [
        _hex(t)
        for t in ("#f2c14e", "#f78154", "#4d9078", "#5fad56", "#b4436c", "#3c6997", "#f4ead5")
    ]
    order = rng.permutation(len(extra))[:3]
    return (shades[1], shades[2], *(extra[i] for i in order))


def _colours(words: str) -> list[np.ndarray]:
    """Colours in the order in which they are named."""
    found: list[tuple[int, np.ndarray]] = []
    for pattern, rgb in COLOURS.items():
        match = re.search(rf"(?<!\w)(?:{pattern})(?!\w)", words)
        if match and all(match.start() != at for at, _ in found):
            found.append((match.start(), np.array(rgb, np.float32) / 255))
    return [rgb for _, rgb in sorted(found, key=lambda pair: pair[0])]


def _in_colours(named: list[np.ndarray], base: Palette) -> Palette:
    """The named colours take over sky and land, from their own shade to their own tint."""
    if not named:
        return base
    first, last = named[0], named[-1]
    return replace(
        base,
        top=mix(first * 0.42, base.top, 0.15),
        middle=mix(first, base.middle, 0.12),
        horizon=mix(mix(last, np.ones(3, np.float32), 0.5), base.horizon, 0.15),
        land=mix(last * 0.3, base.land, 0.25),
        accents=(*named, mix(first, np.ones(3, np.float32), 0.55), first * 0.55, last * 0.75)[:5],
    )


def _in_mood(words: str, base: Palette) -> Palette:
    strength, lift = 1.0, 0.0
    for pattern, more, light in MOODS.values():
        if has(words, pattern):
            strength, lift = strength * more, lift + light

    def change(rgb: np.ndarray) -> np.ndarray:
        grey = rgb.mean()
        return np.clip(grey + (rgb - grey) * strength + lift, 0, 1).astype(np.float32)

    names = ("top", "middle", "horizon", "land")
    changed = {name: change(getattr(base, name)) for name in names}
    return replace(base, **changed, accents=tuple(change(rgb) for rgb in base.accents))


def mix(one: np.ndarray, two: np.ndarray, share: float) -> np.ndarray:
    return (one * (1 - share) + two * share).astype(np.float32)


def noise(rng: np.random.Generator, height: int, width: int, cells: float, octaves: int = 4):
    """Fractal noise of mean 0 and deviation 1; ``cells`` lumps fit across the long side."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        step = max(height, width) / (cells * 2**octave)
        grid = rng.standard_normal((int(height / step) + 3, int(width / step) + 3)).astype(
            np.float32
        )
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * 0.5**octave
    return (total - total.mean()) / (total.std() + 1e-6)
