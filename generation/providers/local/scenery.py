"""Imagined landscapes: layers of land in haze under a sky, each drawn from its upper edge down."""

from __future__ import annotations

import cv2
import numpy as np

from . import skies
from .palettes import HOURS, Palette, has, mix, noise

Rng = np.random.Generator

WORDS = {
    "city": r"cit(?:y|ies)|town|skyline|skyscraper\w*|streets?|город\w*|небоскр[её]б\w*"
    r"|мегаполис\w*|улиц\w*",
    "sea": r"seas?|ocean\w*|beach\w*|coast\w*|waves? of the sea|мор[еяюё]\w*|океан\w*"
    r"|пляж\w*|берег\w*",
    "lake": r"lakes?|rivers?|pond|water|reflection\w*|озер\w*|озёр\w*|рек[аиу]\w*|пруд\w*"
    r"|вод[аыу]|отражени\w*",
    "desert": r"desert\w*|dunes?|sahara|sand\w*|пустын\w*|дюн\w*|барх\w*|песк\w*|песок",
    "field": r"fields?|meadow\w*|flowers?|grass\w*|garden\w*|hills?|пол[еяю]|луг\w*"
    r"|цвет(?:ы|ок|ами|очн\w*|ущ\w*)|трав\w*|сад\w*|холм\w*",
    "forest": r"forest\w*|woods?|trees?|pines?|jungle|taiga|лес\w*|дерев\w*|сосн\w*"
    r"|[её]лк\w*|ел[иь]\w*|тайг\w*",
    "mountains": r"mountain\w*|peaks?|alps|ridge\w*|valley\w*|volcano\w*|everest|гор(?:а|ы|у|ам"
    r"|ах|ами|н\w+)?|вершин\w*|хреб\w*|вулкан\w*|долин\w*",
}
SKY = (
    r"sky|skies|sun|moon\w*|stars?|starry|aurora|неб[оауе]\w*|солнц\w*|лун\w*"
    r"|зв[её]зд\w*|space|космос\w*"
)


def asked_for(words: str) -> list[str]:
    found = [name for name, pattern in WORDS.items() if has(words, pattern)]
    return found or (["mountains"] if _outdoors(words) else [])


def _outdoors(words: str) -> bool:
    patterns = [
        *skies.WEATHER.values(),
        skies.FOG,
        *HOURS.values(),
        skies.CLOUDS,
        SKY,
        r"landscape\w*|nature|пейзаж\w*|природ\w*",
    ]
    return any(has(words, pattern) for pattern in patterns)


def draw(words: str, size: tuple[int, int], colours: Palette, rng: Rng) -> np.ndarray:
    """The picture as floats, height x width x 3."""
    width, height = size
    scenes = asked_for(words)
    horizon = height * float(rng.uniform(0.56, 0.66))
    sun = (width * float(rng.uniform(0.24, 0.76)), horizon - height * float(rng.uniform(0.1, 0.3)))
    canvas = skies.gradient(size, horizon, colours)
    if colours.hour == "night":
        canvas = skies.with_stars(canvas, horizon, rng)
    canvas = skies.with_sun(canvas, sun, colours)
    if has(words, skies.CLOUDS) or (colours.hour != "night" and rng.random() < 0.75):
        canvas = skies.with_clouds(canvas, horizon, colours, rng)
    for scene in _back_to_front(scenes):
        canvas = DRAW[scene](canvas, horizon, sun, colours, rng)
    return skies.with_weather(words, canvas, rng)


def _back_to_front(scenes: list[str]) -> list[str]:
    order = ["mountains", "desert", "city", "sea", "lake", "forest", "field"]
    return [name for name in order if name in scenes]


def _edge(rng: Rng, width: int, roughness: int, lumps: float, sharp: float) -> np.ndarray:
    """Heights along the picture, -1 to 1 or so; ``sharp`` 1 makes ridges, 0 makes hills."""
    line = noise(rng, 2, width, lumps, roughness)[0]
    peaks = 0.8 - np.abs(noise(rng, 2, width, lumps * 0.55, roughness)[0])
    return line * (1 - sharp) + peaks * sharp


def _layer(
    canvas: np.ndarray, edge: np.ndarray, colour: np.ndarray, foot: np.ndarray, depth: float
):
    """Everything below ``edge`` in ``colour``, fading to ``foot`` over ``depth`` pixels."""
    rows = np.arange(canvas.shape[0], dtype=np.float32)[:, None]
    below = rows - edge[None].astype(np.float32)
    cover = np.clip(below + 0.5, 0, 1)[..., None]
    fade = np.clip(below / depth, 0, 1)[..., None]
    return canvas * (1 - cover) + (colour * (1 - fade) + foot * fade) * cover


def _mountains(canvas, horizon, sun, colours: Palette, rng: Rng):
    height, width = canvas.shape[:2]
    count = 5
    for index in range(count):
        near = (index + 1) / count
        tall = height * (0.2 - 0.055 * near)
        base = horizon + height * (0.02 + 0.3 * (index / count) ** 1.2)
        edge = base - tall * (0.35 + 0.75 * _edge(rng, width, 7, 1.9 + index, 0.7))
        colour = mix(mix(colours.horizon, colours.middle, 0.55), colours.land, near**0.85)
        if index < 2:
            canvas = _snowcaps(canvas, edge, colour, tall, colours, rng)
        else:
            canvas = _layer(canvas, edge, colour, mix(colour, colours.horizon, 0.3), height * 0.2)
    return canvas


def _snowcaps(canvas, edge, colour, tall: float, colours: Palette, rng: Rng):
    """Far ridges carry snow on the side of the light."""
    height, width = canvas.shape[:2]
    land = _layer(canvas, edge, colour, mix(colour, colours.horizon, 0.55), height * 0.17)
    rows = np.arange(height, dtype=np.float32)[:, None]
    lumps = noise(rng, height, width, 26, 4)
    slope = np.gradient(cv2.GaussianBlur(edge[None].astype(np.float32), (0, 0), 6)[0])[None]
    below = rows - edge[None].astype(np.float32)
    line = tall * (0.2 + 0.16 * lumps + np.clip(slope * 0.35, -0.12, 0.2))
    caps = np.clip((line - below) / 3, 0, 1) * np.clip(below + 0.5, 0, 1)
    high = np.clip((np.median(edge) + tall * 0.15 - edge)[None] / (tall * 0.4), 0, 1)
    snow = mix(colours.light, colours.horizon, 0.45)
    share = (caps * high * 0.8)[..., None].astype(np.float32)
    return land * (1 - share) + snow * share


def _desert(canvas, horizon, sun, colours: Palette, rng: Rng):
    height, width = canvas.shape[:2]
    sand = mix(colours.horizon, np.float32([0.85, 0.56, 0.3]), 0.5)
    for index in range(5):
        near = (index + 1) / 5
        base = horizon + height * 0.42 * (index / 5) ** 1.3
        edge = base - height * 0.055 * (0.6 + near) * _edge(rng, width, 2, 1.2 + index * 0.4, 0.35)
        lit = mix(mix(colours.horizon, sand, 0.35 + 0.6 * near), colours.land, 0.12 * near)
        canvas = _layer(
            canvas, edge, lit, mix(lit, colours.land, 0.55), height * (0.1 + 0.12 * near)
        )
    return canvas


def _pines(rng: Rng, width: int, tall: float) -> np.ndarray:
    """Heights of a row of firs: narrow cones with jagged sides."""
    columns = np.arange(width, dtype=np.float32)
    top = np.zeros(width, np.float32)
    x = -tall * 0.2
    while x < width + tall * 0.2:
        size = tall * float(rng.uniform(0.55, 1.0))
        away = np.abs(columns - x) / (size * 0.2)
        jag = 0.07 * np.abs(((away * 5 + float(rng.uniform(0, 1))) % 1) - 0.5)
        cone = np.where(away < 1, size * (1 - away**0.9 + jag * (away > 0.08)), 0)
        top = np.maximum(top, cone)
        x += size * float(rng.uniform(0.13, 0.34))
    return top


def _forest(canvas, horizon, sun, colours: Palette, rng: Rng):
    height, width = canvas.shape[:2]
    green = mix(colours.land, np.float32([0.08, 0.26, 0.2]), 0.4)
    for index in range(4):
        near = (index + 1) / 4
        base = horizon + height * (0.05 + 0.42 * (index / 4) ** 1.15)
        hills = height * 0.03 * _edge(rng, width, 3, 1.6, 0)
        edge = base - hills - _pines(rng, width, height * (0.075 + 0.15 * near))
        colour = mix(mix(colours.horizon, colours.middle, 0.5), green, near**0.8)
        canvas = _layer(
            canvas, edge, colour, mix(colour, colours.horizon, 0.34 * (1.1 - near)), height * 0.24
        )
    return canvas


def _field(canvas, horizon, sun, colours: Palette, rng: Rng):
    height, width = canvas.shape[:2]
    grass = mix(colours.land, np.float32([0.36, 0.56, 0.22]), 0.55)
    for index in range(3):
        near = (index + 1) / 3
        base = horizon + height * (0.03 + 0.2 * (index / 3))
        edge = base - height * 0.035 * _edge(rng, width, 2, 1.3 + index, 0)
        far = mix(colours.horizon, grass, 0.35 + 0.6 * near)
        canvas = _layer(canvas, edge, far, mix(far, colours.land, 0.35), height * 0.34)
    return _flowers(canvas, horizon + height * 0.1, colours, rng)


def _flowers(canvas: np.ndarray, top: float, colours: Palette, rng: Rng) -> np.ndarray:
    height, width = canvas.shape[:2]
    picture = np.ascontiguousarray(canvas, np.float32)
    depths = np.sort(rng.uniform(0, 1, 620) ** 0.8)
    for depth in depths:
        x, y = rng.uniform(0, width), top + (height * 1.02 - top) * depth
        size = height * (0.0025 + 0.0125 * depth**1.6)
        colour = colours.accents[int(rng.integers(len(colours.accents)))] * float(
            rng.uniform(0.85, 1.1)
        )
        shade = tuple(float(c) for c in mix(colour, colours.horizon, 0.35 * (1 - depth)))
        turn = rng.uniform(0, 6.28)
        for petal in range(5):
            a = turn + petal * 1.2566
            spot = (int((x + size * 0.75 * np.cos(a)) * 16), int((y + size * 0.5 * np.sin(a)) * 16))
            cv2.circle(picture, spot, int(size * 9.5), shade, -1, cv2.LINE_AA, 4)
        heart = tuple(float(c) for c in mix(colours.light, np.float32([0.95, 0.75, 0.2]), 0.6))
        cv2.circle(picture, (int(x * 16), int(y * 16)), int(size * 7), heart, -1, cv2.LINE_AA, 4)
    return picture


def _city(canvas, horizon, sun, colours: Palette, rng: Rng):
    height = canvas.shape[0]
    for index in range(3):
        near = (index + 1) / 3
        base = horizon + height * (0.1 + 0.3 * index / 3)
        colour = mix(mix(colours.horizon, colours.middle, 0.6), colours.land, near**0.7)
        canvas = _houses(canvas, base, height * (0.34 - 0.06 * index), colour, near, colours, rng)
    return canvas


def _houses(canvas, base: float, tall: float, colour, near: float, colours: Palette, rng: Rng):
    height, width = canvas.shape[:2]
    edge, x, windows = np.full(width, base, np.float32), 0, []
    while x < width:
        across = int(width * rng.uniform(0.035, 0.085) * (0.7 + 0.5 * near))
        up = tall * float(rng.uniform(0.3, 1.0)) ** 1.3
        edge[x : x + across] = base - up
        if rng.random() < 0.2:
            edge[x + across // 2 : x + across // 2 + 2] = base - up * 1.16
        windows.append((x, across, base - up))
        x += across
    canvas = _layer(
        canvas, edge, colour, mix(colour, colours.horizon, 0.35 * (1.2 - near)), height * 0.4
    )
    return _windows(canvas, windows, near, colours, rng)


def _windows(canvas, houses, near: float, colours: Palette, rng: Rng):
    height = canvas.shape[0]
    glow = np.float32([1.0, 0.84, 0.52])
    lit = {"night": 0.5, "sunset": 0.34, "dawn": 0.22, "day": 0.1}[colours.hour]
    step = max(7, int(height * 0.012 * (0.7 + 0.6 * near)))
    for x, across, top in houses:
        for column in range(x + step // 2, x + across - step // 2, step):
            for row in range(
                int(top) + step, min(height, int(top + height * 0.5)), int(step * 1.5)
            ):
                if rng.random() < lit:
                    patch = canvas[row : row + int(step * 0.7), column : column + step // 2]
                    patch[:] = patch * 0.25 + glow * 0.75 * float(rng.uniform(0.7, 1.0))
    return canvas


def _water(canvas, line: float, sun, colours: Palette, rng: Rng, calm: float):
    """Below ``line`` the picture above is mirrored, broken by waves that grow towards us."""
    height, width = canvas.shape[:2]
    start = int(line)
    rows, columns = np.mgrid[start:height, :width].astype(np.float32)
    depth = (rows - line) / max(1.0, height - line)
    waves = noise(rng, (height - start) * 6, width, 14, 4)
    waves = cv2.resize(waves, (width, height - start), interpolation=cv2.INTER_AREA)
    waves /= waves.std() + 1e-6
    shake = waves * (1.5 + depth * height * 0.02) * calm
    source = np.clip(line - (rows - line) * 1.1 + shake * 2.2, 0, line - 2)
    mirror = cv2.remap(
        canvas.astype(np.float32),
        columns + shake,
        source,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    tint = mix(colours.middle, colours.land, 0.5)
    water = mirror * 0.72 + tint * 0.22
    water *= (1 - 0.38 * depth[..., None]) * (1 + 0.05 * waves[..., None] * calm)
    path = np.exp(-(((columns - sun[0]) / (width * (0.02 + 0.11 * depth))) ** 2))
    glitter = np.clip(waves * 0.9 - 0.25, 0, 1) * path * (1 - 0.4 * depth)
    water += glitter[..., None] * colours.light * 0.8
    cover = np.clip(rows - line + 0.5, 0, 1)[..., None]
    canvas[start:] = canvas[start:] * (1 - cover) + water * cover
    return canvas


def _sea(canvas, horizon, sun, colours: Palette, rng: Rng):
    return _water(canvas, horizon, sun, colours, rng, 1.0)


def _lake(canvas, horizon, sun, colours: Palette, rng: Rng):
    height, width = canvas.shape[:2]
    shore = horizon + height * 0.1
    edge = shore - height * 0.012 - _pines(rng, width, height * 0.055)
    canvas = _layer(
        canvas, edge, mix(colours.land, colours.middle, 0.2), colours.land, height * 0.1
    )
    return _water(canvas, shore, sun, colours, rng, 0.45)


DRAW = {
    "mountains": _mountains,
    "desert": _desert,
    "city": _city,
    "sea": _sea,
    "lake": _lake,
    "forest": _forest,
    "field": _field,
}
