"""Laying an item on a person: size, turn and bend, as one map from picture to item pixels."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

import cv2
import numpy as np

from .body import Face
from .cutout import Item
from .places import Place

LOOSE = 0.34  # how far a garment may be let out or taken in to meet the outline of the body


@dataclass(frozen=True)
class Pose:
    """The item's frame in picture pixels: middle of its top edge, its size, its turn."""

    x: float
    y: float
    width: float
    height: float
    tilt: float = 0.0
    bend: float = 0.0  # how much the ends hang below (positive) the middle, in heights


def pose(item: Item, zone: str, place: Place) -> Pose:
    """Where the item goes: by proportions of the person, or filling the frame that was drawn."""
    if place.drawn or place.face is None or zone == "hands":
        return _in_frame(item, place, zone)
    return {"body": _body, "head": _head, "face": _face, "neck": _neck, "legs": _legs}[zone](
        item, place.face
    )


def _in_frame(item: Item, place: Place, zone: str) -> Pose:
    """As large as the frame allows; stretched by at most a sixth to fill it."""
    across, down = item.size
    scale = min(place.width / across, place.height / down)
    width = min(place.width, across * scale * 1.16)
    height = min(place.height, down * scale * 1.16)
    turns = place.face is not None and zone in ("face", "head") and _holds(place, place.face)
    top = place.top + (place.height - height) / 2
    tilt = place.face.tilt * 0.8 if turns and place.face else 0.0
    return Pose((place.left + place.right) / 2, top, width, height, tilt)


def _holds(place: Place, face: Face) -> bool:
    return place.left < face.x < place.right and abs(face.y - place.bottom) < 2 * place.height


def _body(item: Item, face: Face) -> Pose:
    """Shoulders 45 cm apart (7.1 units), the collar just under the chin."""
    across, down = item.size
    left, right = outline(item)
    shoulder = float(np.median((right - left)[int(0.14 * down) : int(0.22 * down) + 1]))
    scale = 7.1 * face.unit / max(shoulder, 0.3 * across)
    scale = float(np.clip(scale, 8 * face.unit / down, 13 * face.unit / down))
    middle = float((left + right)[int(0.05 * down) : int(0.3 * down) + 1].mean() / 2 - across / 2)
    return Pose(face.x - middle * scale, face.chin - 0.12 * face.unit, across * scale, down * scale)


def _head(item: Item, face: Face) -> Pose:
    """The crown as wide as a head with hair; the lower rim on the forehead."""
    across, down = item.size
    left, right = outline(item)
    crown = float(np.median((right - left)[int(0.25 * down) : int(0.6 * down) + 1]))
    scale = min(3.0 * face.unit / max(crown, 0.35 * across), 5.4 * face.unit / across)
    scale = min(scale, 3.6 * face.unit / down)
    x, y = _turned(face, 0, -0.34)
    height = down * scale
    angle = radians(face.tilt)
    return Pose(
        x + height * sin(angle), y - height * cos(angle), across * scale, height, face.tilt, 0.03
    )


def _face(item: Item, face: Face) -> Pose:
    """Wide items sit on the eyes as glasses do; tall ones cover mouth and nose as masks do."""
    across, down = item.size
    if across / down > 1.7:
        width = 2.4 * face.unit
        height = width * down / across
        x, y = _turned(face, 0, 0.1 - height / 2 / face.unit)
        return Pose(x, y, width, height, face.tilt, 0.03)
    width = 2.35 * face.unit
    height = min(width * down / across, 2.4 * face.unit)
    x, y = _turned(face, 0, 1.9 - height / face.unit)
    return Pose(x, y, width, height, face.tilt)


def _neck(item: Item, face: Face) -> Pose:
    """A necklace opens as wide as the neck; a scarf is a little wider."""
    across, down = item.size
    width = 2.6 * face.unit
    height = min(width * down / across, 3.6 * face.unit)
    return Pose(face.x, face.chin + 0.1 * face.unit, width, height)


def _legs(item: Item, face: Face) -> Pose:
    """Trousers from the waist (9 units under the chin) to the ankles; shoes under the ankles."""
    across, down = item.size
    if across > 1.15 * down:
        width = 4.6 * face.unit
        return Pose(face.x, face.chin + 18.8 * face.unit, width, width * down / across)
    height = 12.0 * face.unit
    width = float(np.clip(height * across / down, 4.0 * face.unit, 6.4 * face.unit))
    return Pose(face.x, face.chin + 7.7 * face.unit, width, height)


def _turned(face: Face, across: float, down: float) -> tuple[float, float]:
    """A point given in units from between the eyes, along the tilted axes of the face."""
    c, s, u = cos(radians(face.tilt)), sin(radians(face.tilt)), face.unit
    return face.x + (across * c - down * s) * u, face.y + (across * s + down * c) * u


def outline(item: Item) -> tuple[np.ndarray, np.ndarray]:
    """Left and right edge of the item in every row, in its own pixels, smoothed."""
    solid = item.alpha > 0.5
    empty = ~solid.any(axis=1)
    left = solid.argmax(axis=1).astype(np.float32)
    right = solid.shape[1] - 1 - solid[:, ::-1].argmax(axis=1).astype(np.float32)
    rows = np.arange(len(left))
    if empty.any() and not empty.all():
        left[empty] = np.interp(rows[empty], rows[~empty], left[~empty])
        right[empty] = np.interp(rows[empty], rows[~empty], right[~empty])
    return left, right


def lay(item: Item, spot: Pose, place: Place, worn: np.ndarray | None) -> Item:
    """The item as it looks inside the frame ``place``: same size as the frame.

    ``worn`` is the mask of the person's clothes there; the item's sides follow its outline.
    """
    item = _reduced(item, spot)
    rows, columns = np.mgrid[place.top : place.bottom, place.left : place.right].astype(np.float32)
    u, v = _item_position(rows, columns, spot)
    if worn is not None:
        u = _let_out(u, item, spot, place, worn)
    x, y = u * item.size[0] - 0.5, v * item.size[1] - 0.5
    rgb = cv2.remap(item.rgb, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha, opening = (
        None if plane is None else cv2.remap(plane, x, y, cv2.INTER_LINEAR)
        for plane in (item.alpha, item.opening)
    )
    return Item(rgb, alpha, opening)


def _reduced(item: Item, spot: Pose) -> Item:
    """Shrinks with averaging first: bilinear sampling alone would glitter."""
    width, height = max(2, round(spot.width)), max(2, round(spot.height))
    if width >= item.size[0]:
        return item
    size = (width, min(height, item.size[1]))
    planes = (item.rgb, item.alpha, item.opening)
    return Item(
        *(None if p is None else cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in planes)
    )


def _item_position(rows: np.ndarray, columns: np.ndarray, spot: Pose):
    c, s = cos(radians(spot.tilt)), sin(radians(spot.tilt))
    dx, dy = columns - np.float32(spot.x), rows - np.float32(spot.y)
    u = (dx * c + dy * s) / np.float32(spot.width) + 0.5
    v = (dy * c - dx * s) / np.float32(spot.height)
    return u.astype(np.float32), (v - spot.bend * (2 * u - 1) ** 2).astype(np.float32)


def _let_out(u: np.ndarray, item: Item, spot: Pose, place: Place, worn: np.ndarray) -> np.ndarray:
    """Moves the sides of the item to the outline of the clothes that the person wears."""
    across, down = item.size
    own_left, own_right = (edge / across for edge in outline(item))
    v = (np.arange(place.top, place.bottom) - spot.y) / spot.height * down
    inside = np.clip(v, 0, down - 1)
    left = np.interp(inside, np.arange(down), own_left)
    right = np.interp(inside, np.arange(down), own_right)
    middle = 0.5
    new_left, new_right = _body_edges(left, right, spot, place, worn)
    soft = spot.width / 40
    ratio_left = _smooth((middle - left) / (middle - new_left), soft)
    ratio_right = _smooth((right - middle) / (new_right - middle), soft)
    away = u - middle
    return middle + away * np.where(away < 0, ratio_left[:, None], ratio_right[:, None])


def _body_edges(left, right, spot: Pose, place: Place, worn: np.ndarray):
    """The clothes' edges as item fractions, where they are near enough to be believed."""
    line = np.clip(int(spot.x) - place.left, 0, place.width - 1)
    first, last = _runs(worn, line)
    body_left = (place.left + first - spot.x) / spot.width + 0.5 - 0.008
    body_right = (place.left + last - spot.x) / spot.width + 0.5 + 0.008
    return _believed(left, body_left, first <= 1), _believed(
        right, body_right, last >= place.width - 2
    )


def _believed(own: np.ndarray, body: np.ndarray, cut_off: np.ndarray) -> np.ndarray:
    """Out or in by at most ``LOOSE``; where an arm or a thing is in front, the item's own edge."""
    half = np.maximum(np.abs(own - 0.5), 0.08)
    change = np.abs(body - 0.5) / half - 1
    unsure = np.isnan(body) | (change < -LOOSE) | (change > 1.2) | cut_off
    change = np.where(unsure, np.nan, np.clip(change, -LOOSE, LOOSE))
    known = ~np.isnan(change)
    if known.mean() < 0.15:
        return own
    rows = np.arange(len(own))
    filled = np.where(known, change, np.interp(rows, rows[known], change[known]) * 0.5)
    return 0.5 + np.sign(own - 0.5) * half * (1 + filled)


def _runs(worn: np.ndarray, line: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last worn column of each row, NaN where nothing is worn there."""
    solid = worn > 0.5
    nothing = ~solid.any(axis=1)
    first = solid.argmax(axis=1).astype(float)
    last = solid.shape[1] - 1 - solid[:, ::-1].argmax(axis=1).astype(float)
    wrong = nothing | (first >= line) | (last <= line)
    first[wrong], last[wrong] = np.nan, np.nan
    return first, last


def _smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    column = values.astype(np.float32)[:, None]
    size = max(3, int(sigma * 3) * 2 + 1)
    kernel = cv2.getGaussianKernel(size, max(sigma, 0.6)).astype(np.float32)
    return cv2.sepFilter2D(
        column, cv2.CV_32F, np.ones((1, 1), np.float32), kernel, borderType=cv2.BORDER_REPLICATE
    )[:, 0]
