"""Named parts of a photo as soft masks: background, hair, clothes, sky."""

from __future__ import annotations

import cv2
import numpy as np

from ..base import ProviderError
from .body import Face, clothes, find_face, skin_like
from .cutout import from_busy
from .grab import MAYBE, MAYBE_NOT, NOTHING, SURE, foreground
from .pixels import Picture

WORK_SIDE = 320


def find(picture: Picture, region: str) -> np.ndarray:
    """Mask of ``region``, 0 to 1, as large as the picture; refuses what is not to be seen."""
    scale = min(1.0, WORK_SIDE / max(picture.width, picture.height))
    small = cv2.resize(picture.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    face = find_face(picture.rgb)
    near = face.scaled(scale) if face else None
    coarse = {"background": _background, "hair": _hair, "clothes": _clothes, "sky": _sky}[region](
        small, near
    )
    if not 0.004 < float(coarse.mean()) < 0.996:
        raise ProviderError("region_not_found", region, data={"region": region})
    return _refined(picture.rgb, coarse.astype(np.float32), scale)


def _refined(rgb: np.ndarray, coarse: np.ndarray, scale: float) -> np.ndarray:
    """The small mask at full size, its edge drawn to the edges of the photo (a guided filter)."""
    full = cv2.resize(coarse, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    guide = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    reach = max(2, round(2.2 / scale)) * 2 + 1

    def mean(plane: np.ndarray) -> np.ndarray:
        return cv2.blur(plane, (reach, reach))

    middle, level = mean(guide), mean(full)
    slope = (mean(guide * full) - middle * level) / (mean(guide * guide) - middle**2 + 2e-3)
    offset = level - slope * middle
    soft = mean(slope) * guide + mean(offset)
    return np.clip((soft - 0.18) / 0.64, 0, 1)


def _largest(mask: np.ndarray) -> np.ndarray:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    return (
        (labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8) if count > 1 else mask
    )


def _background(small: np.ndarray, face: Face | None) -> np.ndarray:
    if face is None:
        return 1 - (from_busy(small) > 0.5).astype(np.uint8)
    return 1 - _largest(foreground(small, _person_seed(small.shape[:2], face)))


def _person_seed(shape: tuple[int, int], face: Face) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    across, down = np.abs(columns - face.x) / face.unit, (rows - face.chin) / face.unit
    head = np.hypot(across, (rows - face.y) / (1.2 * face.unit))
    mask = np.full(shape, MAYBE_NOT, np.uint8)
    mask[(down < 0.15) & (head > 2.5)] = NOTHING
    mask[(head < 1.75) | ((down > 0.4) & (across < np.clip(0.9 + 1.5 * down, 0, 3.3)))] = MAYBE
    skull = np.hypot(across, (rows - face.y + 0.25 * face.unit) / (1.2 * face.unit))
    mask[
        (head < 1.15) | (skull < 1.15) | ((down > 0) & (across < np.clip(0.5 + 0.6 * down, 0, 1.9)))
    ] = SURE
    mask[(across > 6.5) | ((down < 0.25) & (across > 3.2))] = NOTHING
    return mask


def _clothes(small: np.ndarray, face: Face | None) -> np.ndarray:
    if face is None:
        raise ProviderError("region_not_found", "no face", data={"region": "clothes"})
    skin = skin_like(small, face).astype(np.uint8)
    rows = np.arange(small.shape[0])[:, None]
    neck = skin & (rows < face.chin + 1.6 * face.unit)
    return clothes(small, face) * (
        1 - cv2.morphologyEx(neck, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    )


def _hair(small: np.ndarray, face: Face | None) -> np.ndarray:
    if face is None:
        raise ProviderError("region_not_found", "no face", data={"region": "hair"})
    rows, columns = np.mgrid[: small.shape[0], : small.shape[1]].astype(np.float32)
    x, y = (columns - face.x) / face.unit, (rows - face.y) / face.unit
    head = np.hypot(x, (y + 0.3) / 1.1)
    inner = np.hypot(x / 0.95, (y - 0.45) / 1.25)
    mask = np.full(small.shape[:2], NOTHING, np.uint8)
    mask[(head < 2.3) & (y < 2.6)] = MAYBE_NOT
    mask[(head < 1.8) & (inner > 1.1) & (y < 1.2)] = MAYBE
    mask[(np.abs(x) < 0.8) & (y > -1.55) & (y < -1.05)] = SURE
    mask[inner < 0.95] = NOTHING
    return _largest(
        cv2.morphologyEx(foreground(small, mask), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    )


def _sky(small: np.ndarray, face: Face | None) -> np.ndarray:
    """Smooth and blue or bright, and reaching the upper edge."""
    red, green, blue = (small[..., i].astype(int) for i in range(3))
    blueish = (blue > red + 6) & (blue >= green - 8)
    bright = (np.minimum(np.minimum(red, green), blue) > 165) & (abs(red - blue) < 60)
    light = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (0, 0), 1).astype(np.float32)
    slope = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)) / 8
    smooth = ((blueish | bright) & (slope < 7)).astype(np.uint8)
    _, labels = cv2.connectedComponents(smooth)
    top = np.unique(labels[:3])
    sky = np.isin(labels, top[top > 0]).astype(np.uint8)
    sky = cv2.morphologyEx(sky, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return sky if sky.mean() > 0.03 else np.zeros_like(sky)
