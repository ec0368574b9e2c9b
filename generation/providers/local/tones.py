"""Light and colour of a whole picture: each takes a picture and an amount (1 is the usual)."""

from __future__ import annotations

import cv2
import numpy as np

from .lighting import blurred, brightness
from .pixels import Picture

Colour = tuple[int, int, int]


def _floats(picture: Picture) -> np.ndarray:
    return picture.rgb.astype(np.float32) / 255


def _back(picture: Picture, rgb: np.ndarray) -> Picture:
    return picture.painted(np.uint8(np.clip(rgb * 255 + 0.5, 0, 255)))


def brighten(picture: Picture, amount: float) -> Picture:
    """A gamma curve: neither black nor white is clipped."""
    return _back(picture, _floats(picture) ** np.float32(1.42**-amount))


def contrast(picture: Picture, amount: float) -> Picture:
    rgb = _floats(picture)
    middle = float(np.clip(brightness(rgb).mean(), 0.3, 0.6))
    return _back(picture, middle + (rgb - middle) * np.float32(1.28**amount))


def saturate(picture: Picture, amount: float) -> Picture:
    rgb = _floats(picture)
    grey = brightness(rgb)[..., None]
    return _back(picture, grey + (rgb - grey) * np.float32(1.45**amount))


def warm(picture: Picture, amount: float) -> Picture:
    """Like another white balance: red against blue, the brightness kept."""
    rgb = _floats(picture)
    step = np.float32(0.12 * amount)
    other = rgb * np.array([1 + step, 1 + step * 0.15, 1 - step], np.float32)
    return _back(picture, other * (brightness(rgb) / (brightness(other) + 1e-4))[..., None])


def grey(picture: Picture, amount: float) -> Picture:
    tone = brightness(_floats(picture))
    return _back(picture, np.dstack([tone] * 3))


def sepia(picture: Picture, amount: float) -> Picture:
    rgb = _floats(picture)
    tone = brightness(rgb)[..., None]
    brown = tone * np.array([1.12, 0.94, 0.72], np.float32) + np.array([0.03, 0.015, 0], np.float32)
    share = np.float32(min(1.0, 0.5 + 0.5 * amount))
    return _back(picture, rgb * (1 - share) + brown * share)


def vignette(picture: Picture, amount: float) -> Picture:
    rows = np.linspace(-1, 1, picture.height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, picture.width, dtype=np.float32)[None]
    away = np.clip((np.hypot(rows, columns) - 0.45) / 0.97, 0, 1) ** 1.6
    return _back(picture, _floats(picture) * (1 - min(0.9, 0.62 * amount) * away)[..., None])


def sharpen(picture: Picture, amount: float) -> Picture:
    rgb = _floats(picture)
    sigma = max(0.8, max(picture.width, picture.height) / 900)
    return _back(
        picture, rgb + np.float32(0.9 * amount) * (rgb - cv2.GaussianBlur(rgb, (0, 0), sigma))
    )


def denoise(picture: Picture, amount: float) -> Picture:
    """Edges stay, specks go: a bilateral filter on light, a wider blur on colour."""
    lab = cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2YCrCb)
    strength = 26 * min(amount, 3.0)
    light = cv2.bilateralFilter(np.ascontiguousarray(lab[..., 0]), 7, strength, 3.0)
    red, blue = (cv2.medianBlur(np.ascontiguousarray(lab[..., i]), 5) for i in (1, 2))
    return picture.painted(cv2.cvtColor(cv2.merge([light, red, blue]), cv2.COLOR_YCrCb2RGB))


def blur(picture: Picture, amount: float) -> Picture:
    sigma = max(1.0, amount * max(picture.width, picture.height) / 130)
    return _back(picture, blurred(_floats(picture), sigma))


def recolour(picture: Picture, mask: np.ndarray, colour: Colour, light: float = 0.6) -> Picture:
    """The masked part in another colour, its folds and strands kept; ``light`` 1 takes its tone."""
    lab = cv2.cvtColor(_floats(picture), cv2.COLOR_RGB2LAB)
    target = cv2.cvtColor(np.float32([[colour]]) / 255, cv2.COLOR_RGB2LAB)[0, 0]
    weight = mask.sum() + 1e-6
    mean = (lab * mask[..., None]).reshape(-1, 3).sum(0) / weight
    depth = np.float32(np.clip(1.15 - light * abs(target[0] - mean[0]) / 160, 0.6, 1.0))
    new = np.empty_like(lab)
    new[..., 0] = (lab[..., 0] - mean[0]) * depth + mean[0] + light * (target[0] - mean[0])
    new[..., 1:] = target[1:] + 0.12 * (lab[..., 1:] - mean[1:])
    painted = cv2.cvtColor(new, cv2.COLOR_LAB2RGB)
    share = mask[..., None]
    return _back(picture, _floats(picture) * (1 - share) + np.clip(painted, 0, 1) * share)


def near_colour(picture: Picture, old: Colour) -> np.ndarray:
    """How much each pixel is "the red", 0 to 1: by hue for real colours, by tone for greys."""
    hsv = cv2.cvtColor(_floats(picture), cv2.COLOR_RGB2HSV)
    hue, strong, light = cv2.cvtColor(np.float32([[old]]) / 255, cv2.COLOR_RGB2HSV)[0, 0]
    if strong < 0.2 or light < 0.15:
        plain = np.clip((0.3 - hsv[..., 1]) / 0.12, 0, 1)
        return plain * np.clip((0.34 - np.abs(hsv[..., 2] - light)) / 0.14, 0, 1)
    turn = np.abs((hsv[..., 0] - hue + 180) % 360 - 180)
    vivid = np.clip((hsv[..., 1] - 0.3) / 0.2, 0, 1) * np.clip((hsv[..., 2] - 0.12) / 0.12, 0, 1)
    return cv2.GaussianBlur(np.clip((21 - turn) / 8, 0, 1) * vivid, (0, 0), 0.8)
