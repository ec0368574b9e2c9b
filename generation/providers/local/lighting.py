"""Making an item belong to the photo: its light, the folds below it, its shadow, its grain."""

from __future__ import annotations

import cv2
import numpy as np

from .cutout import Item

RED_GREEN_BLUE = np.array([0.299, 0.587, 0.114], np.float32)


def brightness(rgb: np.ndarray) -> np.ndarray:
    return rgb @ RED_GREEN_BLUE


def blurred(plane: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur that costs the same for any sigma: wide ones work on a reduced plane."""
    step = max(1, int(sigma // 4))
    if step == 1:
        return cv2.GaussianBlur(plane, (0, 0), max(sigma, 0.3))
    height, width = plane.shape[:2]
    size = (max(1, width // step), max(1, height // step))
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def lit(item: Item, photo: np.ndarray, worn: np.ndarray | None, unit: float) -> Item:
    """The item under the light of the photo: exposure, direction, and the folds of what is worn."""
    gain = _exposure(item, photo)
    if worn is not None and (worn > 0.5).mean() > 0.05:
        gain = gain * _direction(photo, worn, unit) * _folds(photo, worn, unit)
    return Item(np.clip(item.rgb * gain, 0, 1), item.alpha)


def _exposure(item: Item, photo: np.ndarray) -> float:
    """A dim photo dims the item, a bright one brightens it: a quarter of the way, no more."""
    weight = item.alpha.sum() + 1e-6
    own = float((brightness(item.rgb) * item.alpha).sum() / weight)
    seen = float(np.percentile(brightness(photo), 60))
    return float(np.clip((seen / max(own, 0.05)) ** 0.12, 0.86, 1.12))


def _direction(photo: np.ndarray, worn: np.ndarray, unit: float) -> np.ndarray:
    """From which side the light comes, read off what is worn: very wide, so no pattern prints."""
    tone = np.log(brightness(photo) + 0.06)
    weight = blurred(worn, 2.2 * unit) + 1e-3
    wide = blurred(tone * worn, 2.2 * unit) / weight
    middle = float((tone * worn).sum() / worn.sum())
    return np.exp(np.clip(0.3 * (wide - middle), -0.16, 0.12))[..., None]


def _folds(photo: np.ndarray, worn: np.ndarray, unit: float) -> np.ndarray:
    """Folds of the worn cloth: middle-sized changes of light; badges and seams are too sharp."""
    tone = np.log(brightness(photo) + 0.08)
    weight = blurred(worn, 0.7 * unit) + 1e-3
    wide = blurred(tone * worn, 0.7 * unit) / weight
    fine = blurred(tone * worn, 0.13 * unit) / (blurred(worn, 0.13 * unit) + 1e-3)
    change = np.where(worn > 0.5, fine - wide, 0)
    calm = np.exp(-((np.abs(change) / 0.45) ** 2))
    return np.exp(blurred(np.clip(0.5 * change * calm, -0.13, 0.1), 0.05 * unit))[..., None]


def rounded(item: Item, unit: float) -> Item:
    """Cloth turns away from us at the outline of a body: a soft darkening along the sides."""
    inner = np.clip(blurred(item.alpha, 0.55 * unit) * 2 - 1, 0, 1)
    shade = 1 - 0.26 * (1 - inner) * item.alpha
    return Item(item.rgb * shade[..., None], item.alpha)


def shadow(alpha: np.ndarray, soft: float, down: float, right: float = 0.0) -> np.ndarray:
    """Shadow that a thing throws: its coverage, moved and blurred, not under the thing itself."""
    step = np.float32([[1, 0, right], [0, 1, down]])
    moved = cv2.warpAffine(alpha, step, alpha.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.clip(blurred(moved, soft), 0, 1)


def grain(photo: np.ndarray, seed: int) -> np.ndarray:
    """Noise as strong as the photo's own, so that a drawn or clean item does not stand out."""
    tone = brightness(photo)
    rough = np.abs(tone - cv2.GaussianBlur(tone, (0, 0), 1))
    sigma = float(np.clip(np.percentile(rough, 35) * 1.4, 0.002, 0.016))
    noise = np.random.default_rng(seed).standard_normal(tone.shape, dtype=np.float32)
    return (noise * sigma)[..., None]
