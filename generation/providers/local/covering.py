"""What hides what: the neck inside a collar, things held in front, hair that a hat presses down."""

from __future__ import annotations

import cv2
import numpy as np

from .body import Face
from .cutout import Item
from .grab import MAYBE, MAYBE_NOT, NOTHING, SURE, foreground
from .lighting import blurred, brightness


def neck_opening(item: Item) -> Item:
    """Marks the collar's opening: the inside of a garment's back lies behind a neck."""
    inside = _inner_back(item)
    if inside is None:
        return item
    soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.2)
    return Item(item.rgb, item.alpha, soft)


def over_old_clothes(laid: Item, worn: np.ndarray, face: Face) -> Item:
    """Lets the garment out over what is left of the old clothes beside it and between its parts.

    The new cloth takes the colours nearest to it, a little darker: there it turns away from us.
    """
    u = face.unit
    away = cv2.distanceTransform((laid.alpha < 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    near = np.clip((2.4 * u - away) / (0.3 * u), 0, 1)
    rows = np.arange(worn.shape[0], dtype=np.float32)[:, None]
    below = np.clip((rows - face.chin - 0.35 * u) / (0.2 * u), 0, 1)
    bare = worn * near * below * (1 - laid.alpha)
    cloth = (
        filled(laid.rgb, laid.alpha > 0.9, u)
        * (1 - 0.2 * np.clip(away / (0.5 * u), 0, 1))[..., None]
    )
    mix = np.clip(laid.alpha, 0, 1)[..., None]
    return Item(
        laid.rgb * mix + cloth * (1 - mix), np.maximum(laid.alpha, bare + laid.alpha), laid.opening
    )


def _inner_back(item: Item) -> np.ndarray | None:
    """The patch at the top middle that is clearly darker than the cloth, if it is a small one."""
    width, height = item.size
    tone = cv2.GaussianBlur(brightness(item.rgb), (0, 0), max(1, width / 250))
    cloth = float(np.median(tone[item.alpha > 0.9]))
    dark = ((tone < cloth * 0.8) & (item.alpha > 0.5)).astype(np.uint8)
    dark[int(0.3 * height) :] = 0
    dark[:, : int(0.3 * width)], dark[:, int(0.7 * width) :] = 0, 0
    _, labels = cv2.connectedComponents(dark)
    start = labels[: max(2, int(0.12 * height)), int(0.44 * width) : int(0.56 * width)]
    if not start.any():
        return None
    patch = labels == np.bincount(start[start > 0]).argmax()
    share = patch.sum() / (item.alpha > 0.5).sum()
    if not 0.002 < share < 0.12:
        return None
    return cv2.dilate(patch.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def in_front(worn: np.ndarray | None, laid: Item, face: Face) -> np.ndarray:
    """What stays before the garment: face and neck, and things held in front of the clothes."""
    alpha = laid.alpha
    rows, columns = np.mgrid[: alpha.shape[0], : alpha.shape[1]].astype(np.float32)
    u = face.unit
    away = np.hypot((columns - face.x) / (1.18 * u), (rows - face.y - 0.2 * u) / (1.6 * u))
    front = np.clip((1.03 - away) / 0.06, 0, 1)
    if laid.opening is not None:
        neck = np.hypot((columns - face.x) / (0.88 * u), (rows - face.chin) / (1.5 * u))
        front = np.maximum(front, laid.opening * np.clip((1.06 - neck) / 0.12, 0, 1))
    if worn is not None:
        front = np.maximum(front, _held(worn, alpha, (rows - face.chin) / u))
    return front


def _held(worn: np.ndarray, alpha: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Large parts of the lower garment's place where no clothes are seen: a bag, a hand, a helmet.

    Believed only where the clothes were found well; else the garment would be eaten away.
    """
    under = alpha > 0.5
    found = (worn > 0.5) & under
    if under.sum() == 0 or found.sum() < 0.55 * under.sum():
        return np.zeros_like(alpha)
    missing = (under & (worn <= 0.5) & (down > 2.2)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(missing)
    big = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] > 0.025 * under.sum()]
    if not big:
        return np.zeros_like(alpha)
    whole = np.isin(labels, big).astype(np.uint8)
    whole = cv2.morphologyEx(whole, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    return cv2.GaussianBlur(whole.astype(np.float32), (0, 0), 1.5)


def replaced_hair(photo: np.ndarray, alpha: np.ndarray, face: Face) -> np.ndarray:
    """Hair beside and above the crown of a hat gives way to the background around it."""
    head = _head_mask(photo, face)
    rim = face.y - 0.75 * face.unit
    rows = np.arange(photo.shape[0], dtype=np.float32)[:, None]
    above = np.clip((rim - rows) / (0.15 * face.unit), 0, 1)
    stray = head * (1 - np.clip(alpha * 1.5, 0, 1)) * above
    if stray.max() < 0.5:
        return photo
    cover = np.clip(stray * 1.6, 0, 1)[..., None]
    behind = filled(photo, np.maximum(head, alpha) < 0.05, face.unit)
    return photo * (1 - cover) + behind * cover


def _head_mask(photo: np.ndarray, face: Face) -> np.ndarray:
    """Head and hair, 0 to 1, by GrabCut at a small size."""
    scale = min(1.0, 160 / max(photo.shape[:2]))
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    f = face.scaled(scale)
    rows, columns = np.mgrid[: small.shape[0], : small.shape[1]].astype(np.float32)
    away = np.hypot((columns - f.x) / f.unit, (rows - f.y) / (1.15 * f.unit))
    mask = np.full(small.shape[:2], NOTHING, np.uint8)
    mask[away < 2.35] = MAYBE_NOT
    mask[away < 1.75] = MAYBE
    mask[away < 1.1] = SURE
    found = foreground(small * np.float32(255), mask)
    found = cv2.dilate(found, np.ones((3, 3), np.uint8)).astype(np.float32)
    full = cv2.resize(found, photo.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return blurred(full, max(1.0, 0.6 / scale))


def filled(picture: np.ndarray, seen: np.ndarray, unit: float) -> np.ndarray:
    """Colours grown from where they are ``seen`` to everywhere: near ones first, then wide ones."""
    seen = seen.astype(np.float32)
    fill, weight = np.zeros_like(picture), np.zeros_like(seen)
    for sigma in (0.1, 0.3, 1.0, 4.0):
        near = blurred(seen, sigma * unit)
        colour = blurred(picture * seen[..., None], sigma * unit) / (near[..., None] + 1e-5)
        take = np.clip(near / 0.05, 0, 1) * (1 - weight)
        fill += colour * take[..., None]
        weight += take
    return fill / (weight[..., None] + 1e-5)
