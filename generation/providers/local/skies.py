"""Skies of imagined landscapes: gradient, sun or moon, stars, clouds, and what falls from them."""

from __future__ import annotations

import cv2
import numpy as np

from .lighting import blurred
from .palettes import Palette, has, mix, noise

Rng = np.random.Generator

WEATHER = {
    "snow": r"snow\w*|winter\w*|blizzard|снег\w*|снежн\w*|зим\w*|метел\w*",
    "rain": r"rain\w*|storm\w*|дожд\w*|ливень|ливн\w*|гроз\w*",
}
CLOUDS = r"cloud\w*|облак\w*|облач\w*|туч\w*"
FOG = r"fog\w*|mist\w*|haze|туман\w*|дымк\w*"


def gradient(size: tuple[int, int], horizon: float, colours: Palette) -> np.ndarray:
    width, height = size
    down = np.clip(np.arange(height, dtype=np.float32) / horizon, 0, 1)
    stops = np.array([0, 0.55, 1.0])
    shades = np.stack([colours.top, colours.middle, colours.horizon])
    column = np.stack([np.interp(down, stops, shades[:, i]) for i in range(3)], axis=1)
    return np.repeat(column[:, None].astype(np.float32), width, axis=1)


def with_sun(canvas: np.ndarray, sun: tuple[float, float], colours: Palette) -> np.ndarray:
    height, width = canvas.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    away = np.hypot(columns - sun[0], rows - sun[1])
    radius = min(height, width) * (0.055 if colours.hour == "night" else 0.075)
    glow = np.exp(-((away / (radius * 3.6)) ** 1.1))[..., None] * 0.75
    disc = np.clip(radius - away + 0.5, 0, 1)[..., None]
    canvas = canvas * (1 - glow * 0.8) + mix(colours.light, colours.horizon, 0.4) * glow * 0.8
    if colours.hour == "night":  # a crescent: another disc of sky takes a bite
        bite = np.hypot(columns - sun[0] + radius * 0.55, rows - sun[1] + radius * 0.25)
        disc *= np.clip(bite - radius * 0.92 + 0.5, 0, 1)[..., None]
    return canvas * (1 - disc) + colours.light * disc


def with_stars(canvas: np.ndarray, horizon: float, rng: Rng) -> np.ndarray:
    height, width = canvas.shape[:2]
    plane = np.zeros((height, width), np.uint8)
    for _ in range(int(width * height / 2600)):
        x, y = rng.uniform(0, width), rng.uniform(0, horizon)
        light = int(255 * rng.uniform(0.25, 1) ** 2)
        radius = int(16 * rng.uniform(0.3, 1.25) ** 2)
        cv2.circle(plane, (int(x * 16), int(y * 16)), radius, light, -1, cv2.LINE_AA, 4)
    way = np.clip(noise(rng, height, width, 3, 5), 0, 3) * 0.05
    shine = plane.astype(np.float32) / 255
    shine = np.clip(shine + blurred(shine, 2.2) * 1.5, 0, 1) + way
    fade = np.clip(1.1 - np.arange(height, dtype=np.float32) / horizon, 0, 1)[:, None]
    return canvas + (shine * fade)[..., None] * np.float32([0.95, 0.97, 1.0])


def with_clouds(canvas: np.ndarray, horizon: float, colours: Palette, rng: Rng) -> np.ndarray:
    height, width = canvas.shape[:2]
    lumps = noise(rng, height * 3, width, 5, 5)
    lumps = cv2.resize(lumps, (width, height), interpolation=cv2.INTER_AREA)
    cover = np.clip((lumps - 0.55) / 1.5, 0, 1) ** 0.9
    down = np.arange(height, dtype=np.float32)[:, None] / horizon
    cover *= np.clip(down * 2.4 - 0.15, 0, 1) * np.clip((1.02 - down) * 6, 0, 1) * 0.75
    tint = mix(colours.light, colours.horizon, 0.35)
    return canvas * (1 - cover[..., None]) + tint * cover[..., None]


def with_weather(words: str, canvas: np.ndarray, rng: Rng) -> np.ndarray:
    if has(words, WEATHER["snow"]):
        canvas = _fall(canvas, rng, 900, 0.0)
    if has(words, WEATHER["rain"]):
        canvas = _fall(canvas * np.float32([0.86, 0.9, 0.95]), rng, 520, 0.045)
    if has(words, FOG):
        height, width = canvas.shape[:2]
        veil = np.clip(0.34 + 0.2 * noise(rng, height, width, 2, 4), 0, 0.75)
        canvas = canvas * (1 - veil[..., None]) + np.float32([0.86, 0.88, 0.9]) * veil[..., None]
    return canvas


def _fall(canvas: np.ndarray, rng: Rng, count: int, streak: float) -> np.ndarray:
    """Flakes (no streak) or slanting threads of rain; the near ones larger and softer."""
    height, width = canvas.shape[:2]
    plane = np.zeros((height, width), np.uint8)
    for _ in range(count):
        x, y, near = rng.uniform(0, width), rng.uniform(0, height), float(rng.uniform(0, 1)) ** 3
        light, spot = int(120 + 135 * near), (int(x * 16), int(y * 16))
        if streak:
            end = (
                int((x - height * streak * 0.3) * 16),
                int((y + height * streak * (0.5 + near)) * 16),
            )
            cv2.line(plane, spot, end, light // 2, 1, cv2.LINE_AA, 4)
        else:
            cv2.circle(
                plane, spot, int(height * (0.0012 + 0.005 * near) * 16), light, -1, cv2.LINE_AA, 4
            )
    cover = (cv2.GaussianBlur(plane, (0, 0), 0.8).astype(np.float32) / 255 * 0.85)[..., None]
    return canvas * (1 - cover) + np.float32([0.97, 0.98, 1.0]) * cover
