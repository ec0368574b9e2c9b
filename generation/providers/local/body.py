"""Where a person is in a photo: the face by Haar cascades, the rest by proportions from it.

Everything is measured in units of the distance between the eyes: it varies less between people
(about 6.3 cm) and between detections than the detector's own square does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import atan2, degrees, hypot

import cv2
import numpy as np

from .grab import MAYBE, MAYBE_NOT, NOTHING, SURE, foreground

DETECT_SIDE = 400
SMALLEST_FACE = 0.05  # of the long side
MOST_CANDIDATES = 4
SECOND_LOOK_AT = 150
EYES_AT = 160  # width of a face when its eyes are looked for


@dataclass(frozen=True)
class Face:
    """Midpoint between the eyes, distance between them, tilt in degrees (clockwise), in pixels."""

    x: float
    y: float
    unit: float
    tilt: float = 0.0

    @property
    def chin(self) -> float:
        return self.y + 1.75 * self.unit

    @property
    def top(self) -> float:
        return self.y - 1.75 * self.unit

    def scaled(self, by: float) -> Face:
        return Face(self.x * by, self.y * by, self.unit * by, self.tilt)


@cache
def _cascade(name: str) -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_{name}.xml")


def find_face(rgb: np.ndarray) -> Face | None:
    """The main face, looking forward and upright within about 20 degrees; None where unsure."""
    scale = min(1.0, DETECT_SIDE / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    gray = cv2.equalizeHist(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
    least = max(24, int(max(gray.shape) * SMALLEST_FACE))
    boxes, votes = _cascade("frontalface_alt2").detectMultiScale2(
        gray, 1.1, 3, minSize=(least, least)
    )
    ranked = sorted(zip(votes, boxes, strict=True), key=lambda pair: -pair[0] * pair[1][2])
    for _, box in ranked[:MOST_CANDIDATES]:
        if _looks_real(small, box) and _seconded(gray, box):
            return _measured(gray, box).scaled(1 / scale)
    return None


def _seconded(gray: np.ndarray, box: np.ndarray) -> bool:
    """Another detector sees the same face: the first one alone finds some in flowers and walls."""
    x, y, w, h = (int(v) for v in box)
    near = gray[max(0, y - h // 4) : y + h + h // 4, max(0, x - w // 4) : x + w + w // 4]
    scale = SECOND_LOOK_AT / near.shape[1]
    near = cv2.resize(near, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    least = int(0.66 * w * scale)
    return (
        len(_cascade("frontalface_default").detectMultiScale(near, 1.1, 3, minSize=(least, least)))
        > 0
    )


def _looks_real(rgb: np.ndarray, box: np.ndarray) -> bool:
    """A face has the colours of skin in its middle (or no colour: an old photo) and some relief."""
    x, y, w, h = box
    middle = rgb[y + h // 4 : y + h - h // 6, x + w // 4 : x + w - w // 4]
    _, red, blue = cv2.split(cv2.cvtColor(middle, cv2.COLOR_RGB2YCrCb))
    skin = (red > 131) & (red < 185) & (blue > 70) & (blue < 132)
    grey = np.abs(red.astype(int) - 128).max() < 8
    return bool(grey or skin.mean() > 0.45) and middle.std() > 12


def _measured(gray: np.ndarray, box: np.ndarray) -> Face:
    x, y, w, h = (int(v) for v in box)
    upper = gray[y : y + int(h * 0.62), x : x + w]
    scale = min(1.0, EYES_AT / w)
    eyes = _eyes(cv2.resize(upper, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    if eyes is None:
        return Face(x + w * 0.5, y + h * 0.39, w * 0.42)
    (ax, ay), (bx, by) = ((ex / scale, ey / scale) for ex, ey in eyes)
    unit = float(np.clip(hypot(bx - ax, by - ay), 0.34 * w, 0.5 * w))
    return Face(x + (ax + bx) / 2, y + (ay + by) / 2, unit, 0.75 * degrees(atan2(by - ay, bx - ax)))


def _eyes(upper: np.ndarray):
    """The most level and even pair of eyes in the upper part of a face; a closer look if none."""
    w, found = upper.shape[1], []
    for step, agreeing in ((1.08, 3), (1.04, 2)):
        for name in ("eye_tree_eyeglasses", "eye"):
            found += _spots(name, upper, step, agreeing)
        pairs = [tuple(sorted(pair)) for pair in combinations(found, 2)]
        pairs = [pair for pair in pairs if _is_pair(pair, w)]
        if pairs:
            return min(pairs, key=lambda pair: _unevenness(pair, w))
    return None


def _spots(name: str, upper: np.ndarray, step: float, agreeing: int) -> list[tuple[float, float]]:
    least = max(8, upper.shape[1] // 8)
    boxes = _cascade(name).detectMultiScale(upper, step, agreeing, minSize=(least, least))
    return [(x + w / 2, y + h / 2) for x, y, w, h in boxes]


def _is_pair(pair, w: int) -> bool:
    (ax, ay), (bx, by) = pair
    across, down = bx - ax, by - ay
    centred = abs((ax + bx) / 2 - w / 2) < 0.14 * w
    return 0.3 * w < across < 0.58 * w and abs(down) < 0.36 * across and centred


def _unevenness(pair, w: int) -> float:
    (ax, ay), (bx, by) = pair
    off_middle = abs((ax + bx) / 2 - w / 2) + abs((ay + by) / 2 - 0.38 * w)
    return off_middle + 0.5 * abs(by - ay) + 0.3 * abs(bx - ax - 0.42 * w)


def skin_like(rgb: np.ndarray, face: Face) -> np.ndarray:
    """True where a pixel has the colour of this person's cheeks, whatever that is."""
    chroma = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    x, y, u = int(face.x), int(face.y + 0.6 * face.unit), max(2, int(face.unit * 0.55))
    cheek = chroma[max(0, y - u // 2) : y + u, max(0, x - u) : x + u].reshape(-1, 3)
    if not len(cheek):
        return np.zeros(rgb.shape[:2], bool)
    middle, spread = np.median(cheek, axis=0), cheek.std(axis=0)
    away = np.abs(chroma - middle)
    light = away[..., 0] < max(45.0, 2.6 * spread[0])
    return light & (away[..., 1] < max(9, 2 * spread[1])) & (away[..., 2] < max(9, 2 * spread[2]))


def clothes(rgb: np.ndarray, face: Face) -> np.ndarray:
    """Mask (0 or 1) of what the person wears on the body, by GrabCut from where a chest must be.

    Give it a small picture: 0.1 s at 320 px.
    """
    mask = _clothes_seed(rgb.shape[:2], face)
    if not (mask == SURE).any():
        return np.zeros(rgb.shape[:2], np.uint8)
    return _one_piece(foreground(rgb, mask))


def _one_piece(mask: np.ndarray) -> np.ndarray:
    """The largest part, without holes: badges and straps are worn too."""
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return mask
    filled = np.zeros_like(mask)
    return cv2.drawContours(filled, [max(outlines, key=cv2.contourArea)], -1, 1, cv2.FILLED)


def _clothes_seed(shape: tuple[int, int], face: Face) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    down, across = (rows - face.chin) / face.unit, np.abs(columns - face.x) / face.unit
    mask = np.full(shape, MAYBE_NOT, np.uint8)
    torso = (down > 0.7) & (across < np.clip(1.6 + down, 0, 3.4)) & (down < 8)
    mask[torso] = MAYBE
    mask[(down > 1.5) & (down < 4.5) & (across > 0.5) & (across < 1.3)] = SURE
    mask[
        (down < -0.2)
        | (across > np.clip(2.9 + 0.55 * down, 0, 4.75))
        | ((down < 0.35) & (across > 2.4))
    ] = NOTHING
    return mask
