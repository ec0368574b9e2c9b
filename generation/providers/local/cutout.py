"""An item cut from its background: soft edges, see-through holes, no shadow of the table."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..base import ProviderError
from .grab import MAYBE, NOTHING, foreground
from .pixels import Picture, resized

WORK_SIDE = 1024  # an item is rarely shown larger than this on a person
PLAIN_SPREAD = 7.0  # Lab units: a wall or a table cloth, lit unevenly, stays below
SEE_THROUGH = {"face", "neck", "hands"}  # zones whose items have holes that show the person


@dataclass(frozen=True)
class Item:
    """``rgb`` as floats from 0 to 1, edges freed of background colour; ``alpha`` from 0 to 1."""

    rgb: np.ndarray
    alpha: np.ndarray
    opening: np.ndarray | None = None  # of a collar: where the neck may show through

    @property
    def size(self) -> tuple[int, int]:
        return self.alpha.shape[1], self.alpha.shape[0]


def cut_out(picture: Picture, zone: str) -> Item:
    """The item alone, cropped to what is left of it; refuses what cannot be told apart."""
    side = max(picture.width, picture.height)
    if side > WORK_SIDE:
        scale = WORK_SIDE / side
        picture = resized(picture, round(picture.width * scale), round(picture.height * scale))
    rgb, alpha = _separate(picture, zone in SEE_THROUGH)
    share = float((alpha > 0.5).mean())
    if not 0.002 < share < 0.985:
        raise ProviderError("item_not_found", f"{share:.3f} of the item photo is the item")
    return _cropped(rgb, alpha)


def _separate(picture: Picture, see_through: bool) -> tuple[np.ndarray, np.ndarray]:
    rgb = picture.rgb.astype(np.float32) / 255
    if picture.alpha is not None and (picture.alpha < 128).mean() > 0.01:
        return _without_transparent_colour(rgb, picture.alpha.astype(np.float32) / 255)
    ground, spread = _border_colour(picture.rgb)
    if spread <= PLAIN_SPREAD:
        alpha = _from_plain(picture.rgb, ground, spread, see_through)
        if 0.002 < (alpha > 0.5).mean() < 0.985:
            return _freed(rgb, alpha, _colour_of_lab(ground)), alpha
    alpha = from_busy(picture.rgb)
    return own_colours(rgb, alpha), alpha


def _lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def _colour_of_lab(lab: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(lab.reshape(1, 1, 3).astype(np.float32), cv2.COLOR_LAB2RGB)[0, 0]


def _border_colour(rgb: np.ndarray) -> tuple[np.ndarray, float]:
    """Median Lab colour of the frame of the photo, and how far its pixels lie from that."""
    height, width = rgb.shape[:2]
    band = max(2, min(height, width) // 50)
    lab = _lab(rgb)
    edges = (lab[:band], lab[-band:], lab[:, :band], lab[:, -band:])
    frame = np.concatenate([edge.reshape(-1, 3) for edge in edges])
    middle = np.median(frame, axis=0)
    return middle, float(np.percentile(np.linalg.norm(frame - middle, axis=1), 75))


def _from_plain(rgb: np.ndarray, ground: np.ndarray, spread: float, see_through: bool):
    """Alpha for a plain background: what differs in colour, reached or not from the border."""
    lab = _lab(rgb)
    away = np.linalg.norm(lab - ground, axis=2)
    limit = max(5.0, 2.2 * spread)
    like_ground = (away < limit) | _shadow(lab, ground)
    outside = _with_corners(_reached_from_border(like_ground), _ground_hue(lab, ground))
    holes = _flat_holes(like_ground & ~outside, away) if see_through else np.zeros_like(outside)
    solid = _largest_parts(~(outside | holes))
    ramp = np.clip((away - limit * 0.35) / (limit * 2.2), 0, 1)
    return _soft(solid, ramp)


def _shadow(lab: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """A shadow is darker than the ground, of the same hue, and has no edges of its own."""
    light = cv2.GaussianBlur(lab[..., 0], (0, 0), 1.2)
    slope = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)) / 8
    return _ground_hue(lab, ground) & (slope < 1.6)


def _ground_hue(lab: np.ndarray, ground: np.ndarray) -> np.ndarray:
    darker = ground[0] - lab[..., 0]
    return (np.linalg.norm(lab[..., 1:] - ground[1:], axis=2) < 3.5) & (darker > -2) & (darker < 32)


def _with_corners(outside: np.ndarray, ground_hue: np.ndarray) -> np.ndarray:
    """Adds narrow corners, as between sleeve and body: shaded ground too tight for a slope test.

    Only small ones that touch the outside: a white shirt on white stays whole.
    """
    rest = (ground_hue & ~outside).astype(np.uint8)
    beside = cv2.dilate(outside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    _, labels, stats, _ = cv2.connectedComponentsWithStats(rest)
    small = stats[:, cv2.CC_STAT_AREA] < 0.004 * outside.size
    small[0] = False
    touching = np.zeros(len(stats), bool)
    touching[np.unique(labels[beside])] = True
    return outside | (small & touching)[labels]


def _reached_from_border(like_ground: np.ndarray) -> np.ndarray:
    framed = cv2.copyMakeBorder(
        like_ground.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1
    )
    cv2.floodFill(framed, None, (0, 0), 2)
    return framed[1:-1, 1:-1] == 2


def _flat_holes(inner: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Enclosed ground, as inside a necklace: large and flat. A white dial has marks on it."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inner.astype(np.uint8))
    out = np.zeros_like(inner)
    for index in range(1, count):
        part = labels == index
        if stats[index, cv2.CC_STAT_AREA] > inner.size * 4e-3 and away[part].mean() < 9:
            out |= part
    return out


def _largest_parts(solid: np.ndarray) -> np.ndarray:
    """Drops specks: parts under a fiftieth of the largest (a pair of shoes stays a pair)."""
    opened = cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    if count < 2:
        return np.zeros_like(solid)
    areas = stats[1:, cv2.CC_STAT_AREA]
    keep = 1 + np.flatnonzero(areas >= max(12, areas.max() / 50))
    return np.isin(labels, keep)


def _soft(solid: np.ndarray, ramp: np.ndarray) -> np.ndarray:
    """One inside, zero outside, and along the rim the smaller of a blur and the colour ramp."""
    reach = 3 if max(solid.shape) < 600 else 5
    mask = cv2.erode(
        solid.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    )
    core = cv2.erode(mask, np.ones((5, 5), np.uint8)).astype(np.float32)
    smooth = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.9)
    rim = np.minimum(np.clip(smooth * 2 - 0.7, 0, 1), np.maximum(ramp, smooth * 0.9))
    return np.maximum(core, rim * mask)


def from_busy(rgb: np.ndarray) -> np.ndarray:
    """Alpha for a difficult background: GrabCut from the middle, at a size that takes 0.2 s."""
    height, width = rgb.shape[:2]
    scale = min(1.0, 320 / max(height, width))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    mask = foreground(small, _middle(small.shape[:2]))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    solid = _largest_parts(mask > 0).astype(np.float32)
    grown = cv2.resize(solid, (width, height), interpolation=cv2.INTER_CUBIC)
    soft = cv2.GaussianBlur(grown, (0, 0), max(1.0, 0.6 / scale))
    return np.clip((soft - 0.35) / 0.4, 0, 1).astype(np.float32)


def _middle(shape: tuple[int, int]) -> np.ndarray:
    """The item is somewhere inside, the frame of the photo is not the item."""
    guess = np.full(shape, NOTHING, np.uint8)
    dy, dx = max(2, shape[0] // 14), max(2, shape[1] // 14)
    guess[dy:-dy, dx:-dx] = MAYBE
    return guess


def _freed(rgb: np.ndarray, alpha: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """The rim's own colour: what was seen is a mixture with the ground, so take that part out."""
    own = (rgb - (1 - alpha[..., None]) * ground) / np.maximum(alpha[..., None], 0.25)
    return own_colours(np.clip(own, 0, 1).astype(np.float32), alpha)


def _without_transparent_colour(rgb: np.ndarray, alpha: np.ndarray):
    return own_colours(rgb, alpha), alpha


def own_colours(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Paints the rim and the outside with the nearest inner colour, so that no halo is left."""
    sure = (alpha > 0.95).astype(np.float32)
    weight = cv2.GaussianBlur(sure, (0, 0), 3) + 1e-4
    near = cv2.GaussianBlur(rgb * sure[..., None], (0, 0), 3) / weight[..., None]
    blend = np.clip(alpha * 1.6 - 0.6, 0, 1)[..., None]
    return np.where(weight[..., None] > 2e-3, rgb * blend + near * (1 - blend), rgb)


def _cropped(rgb: np.ndarray, alpha: np.ndarray) -> Item:
    rows, columns = np.flatnonzero(alpha.max(1) > 0.2), np.flatnonzero(alpha.max(0) > 0.2)
    y, x = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Item(np.ascontiguousarray(rgb[y, x]), np.ascontiguousarray(alpha[y, x]))
