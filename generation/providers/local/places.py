"""Where each zone lies on a person, and the frame that the wizard suggests for it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..base import Box, Fit
from .body import Face, find_face, skin_like
from .pixels import decode

# Left, top, right, bottom around the face, in units of the distance between the eyes. Across is
# counted from between the eyes; down from the eyes for head and face, else from the chin.
REACH = {
    "body": (-5.0, -0.35, 5.0, 11.5),
    "head": (-3.0, -4.4, 3.0, 0.2),
    "face": (-1.45, -0.95, 1.45, 2.0),
    "neck": (-2.0, -0.15, 2.0, 3.9),
    "legs": (-3.6, 7.6, 3.6, 21.0),
}
FROM_EYES = {"head", "face"}
LOCATE_SIDE = 512


@dataclass(frozen=True)
class Place:
    """A frame in pixels; ``face`` is None where the person drew the frame around nobody."""

    left: int
    top: int
    right: int
    bottom: int
    face: Face | None = None
    drawn: bool = False

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def locate(person: bytes, zone: str, item_size: tuple[int, int] | None = None) -> Fit:
    """Where an item of ``zone`` would go, as fractions; a reason where that cannot be told.

    Zones follow from the body alone, so ``item_size`` changes nothing here. 0.1 s at 1024 px.
    """
    rgb = decode(person, at_most=LOCATE_SIDE).rgb
    place, reason = find_place(rgb, zone)
    return Fit(_fractions(place, rgb.shape), "") if place else Fit(None, reason)


def find_place(rgb: np.ndarray, zone: str) -> tuple[Place | None, str]:
    face = find_face(rgb)
    if face is None:
        return None, "no_person"
    if zone == "hands":
        return _hand(rgb, face)
    return _around(face, zone, rgb.shape)


def _around(face: Face, zone: str, shape: tuple[int, ...]) -> tuple[Place | None, str]:
    height, width = shape[:2]
    left, top, right, bottom = (side * face.unit for side in REACH[zone])
    down = face.y if zone in FROM_EYES else face.chin
    x0, x1 = max(0, round(face.x + left)), min(width, round(face.x + right))
    y0, y1 = max(0, round(down + top)), min(height, round(down + bottom))
    needed = {"body": 2.0, "legs": 4.0, "neck": 1.0, "head": 1.2, "face": 1.5}[zone] * face.unit
    if y1 - y0 < needed or x1 - x0 < needed:
        return None, f"no_{zone}"
    return Place(x0, y0, x1, y1, face), ""


def _hand(rgb: np.ndarray, face: Face) -> tuple[Place | None, str]:
    """The largest patch of this person's skin well below and beside the face: a hand or a wrist."""
    skin = skin_like(rgb, face).astype(np.uint8)
    rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    near_head = (np.abs(columns - face.x) < 2.6 * face.unit) & (rows < face.chin + 1.8 * face.unit)
    skin[near_head | (rows < face.chin + 0.8 * face.unit)] = 0
    skin = cv2.morphologyEx(skin, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(skin)
    if count < 2:
        return None, "no_hands"
    x, y, w, h, area = stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())]
    fills = area > 0.45 * w * h and 0.4 < w / h < 2.6
    if not fills or not 0.5 * face.unit**2 < area < 9 * face.unit**2:
        return None, "no_hands"
    return Place(int(x), int(y), int(x + w), int(y + h), face), ""


def chosen_place(rgb: np.ndarray, zone: str, box: Box | None) -> tuple[Place | None, str]:
    """The person's own frame where one was drawn; a frame left as suggested counts as not drawn."""
    if box is None:
        return find_place(rgb, zone)
    drawn = _pixels(box, rgb.shape)
    found, _ = find_place(rgb, zone)
    if found and _overlap(found, drawn) > 0.9:
        return found, ""
    face = found.face if found else None
    return Place(drawn.left, drawn.top, drawn.right, drawn.bottom, face, drawn=True), ""


def _pixels(box: Box, shape: tuple[int, ...]) -> Place:
    height, width = shape[:2]
    left, top = round(box[0] * width), round(box[1] * height)
    left, top = min(max(0, left), width - 2), min(max(0, top), height - 2)
    right = min(width, max(left + 2, round((box[0] + box[2]) * width)))
    return Place(left, top, right, min(height, max(top + 2, round((box[1] + box[3]) * height))))


def _fractions(place: Place, shape: tuple[int, ...]) -> Box:
    height, width = shape[:2]
    return place.left / width, place.top / height, place.width / width, place.height / height


def _overlap(one: Place, two: Place) -> float:
    across = min(one.right, two.right) - max(one.left, two.left)
    down = min(one.bottom, two.bottom) - max(one.top, two.top)
    both = max(0, across) * max(0, down)
    return both / (one.width * one.height + two.width * two.height - both)
