"""Try-on: an item cut out, laid on a person, lit and blended; outside the frame nothing moves."""

from __future__ import annotations

import cv2
import numpy as np

from ..base import Order, ProviderError, Report
from . import lighting
from .body import Face, clothes
from .covering import in_front, neck_opening, over_old_clothes, replaced_hair
from .cutout import Item, cut_out
from .pixels import Picture, decode, to_png
from .places import Place, chosen_place
from .shape import lay, pose

OUTLINE_SIDE = 300  # where clothes are told from the rest: larger adds time, not truth


def examine(order: Order) -> None:
    """Refuses what cannot be tried on: no place on the person, or no item in the item's photo."""
    person, item = _two(order)
    if order.box is None:
        small = decode(person, at_most=512)
        place, reason = chosen_place(small.rgb, order.zone, None)
        if place is None:
            raise ProviderError(reason, order.zone, data={"zone": order.zone})
    cut_out(decode(item, at_most=256), order.zone)


def _two(order: Order) -> tuple[bytes, bytes]:
    if len(order.pictures) < 2:
        raise ProviderError("two_photos_needed", f"{len(order.pictures)} pictures")
    return order.pictures[0], order.pictures[1]


def pictures(order: Order, report: Report) -> tuple[bytes, ...]:
    person_file, item_file = _two(order)
    report(5, "reading")
    person = decode(person_file)
    report(15, "cutting_out")
    item = cut_out(decode(item_file), order.zone)
    report(40, "finding_place")
    place, reason = chosen_place(person.rgb, order.zone, order.box)
    if place is None:
        raise ProviderError(reason, order.zone, data={"zone": order.zone})
    return (_dressed(order, person, item, place, report),)


def _dressed(order: Order, person: Picture, item: Item, place: Place, report: Report) -> bytes:
    worn = _worn(person.rgb, place, order.zone)
    report(60, "fitting")
    if order.zone == "body":
        item = neck_opening(item)
    outline = None if place.drawn else _usable(worn)
    laid = lay(item, pose(item, order.zone, place), place, outline)
    report(75, "blending")
    rgb = person.rgb.copy()
    window = rgb[place.top : place.bottom, place.left : place.right]
    window[:] = _blended(window, laid, worn, place, order)
    report(92, "finishing")
    return to_png(Picture(rgb, person.alpha))


def _worn(rgb: np.ndarray, place: Place, zone: str) -> np.ndarray | None:
    """What the person wears inside the frame, 0 to 1; None where that does not matter."""
    if zone != "body" or place.face is None:
        return None
    scale = min(1.0, OUTLINE_SIDE / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    mask = clothes(small, place.face.scaled(scale)).astype(np.float32)
    full = cv2.resize(mask, rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    full = cv2.GaussianBlur(full, (0, 0), max(0.8, 0.7 / scale))
    inside = full[place.top : place.bottom, place.left : place.right]
    return np.clip((inside - 0.3) / 0.4, 0, 1)


def _usable(worn: np.ndarray | None) -> np.ndarray | None:
    return worn if worn is not None and (worn > 0.5).mean() > 0.08 else None


def _blended(window: np.ndarray, laid: Item, worn, place: Place, order: Order) -> np.ndarray:
    photo = window.astype(np.float32) / 255
    unit = place.face.unit if place.face else max(4.0, place.width / 6)
    face = _inside(place)
    alpha = laid.alpha * _frame_edge(laid.alpha.shape, place)
    if order.zone == "body" and face:
        front = in_front(worn, laid, face)
        if _usable(worn) is not None and not place.drawn:
            laid = over_old_clothes(laid, worn, face)
        alpha = laid.alpha * _frame_edge(laid.alpha.shape, place) * (1 - front)
    if order.zone == "head" and face and not place.drawn:
        photo = replaced_hair(photo, alpha, face)
    laid = lighting.lit(Item(laid.rgb, alpha), photo, worn, unit)
    if order.zone in ("body", "legs"):
        laid = lighting.rounded(laid, unit)
    ground = photo * (1 - _shade(alpha, order.zone, unit, face)[..., None])
    colour = laid.rgb + lighting.grain(photo, order.seed)
    mixed = ground * (1 - alpha[..., None]) + colour * alpha[..., None]
    result = np.uint8(np.clip(mixed * 255 + 0.5, 0, 255))
    untouched = np.abs(mixed - window / np.float32(255)).max(axis=2) < 1 / 510
    return np.where(untouched[..., None], window, result)


def _inside(place: Place) -> Face | None:
    """The face in the coordinates of the frame."""
    if place.face is None:
        return None
    f = place.face
    return Face(f.x - place.left, f.y - place.top, f.unit, f.tilt)


def _frame_edge(shape: tuple[int, int], place: Place) -> np.ndarray:
    """Fades the last pixels of the frame, except where it ends with the picture."""
    fade = max(2, round(0.012 * max(shape)))
    rows = np.minimum(np.arange(shape[0]) + 1, fade) if place.top else np.full(shape[0], fade)
    columns = np.minimum(np.arange(shape[1]) + 1, fade) if place.left else np.full(shape[1], fade)
    return (np.outer(rows, columns) / fade**2).astype(np.float32)


def _shade(alpha: np.ndarray, zone: str, unit: float, face: Face | None) -> np.ndarray:
    soft, down, strength = {
        "body": (0.16, 0.05, 0.3),
        "head": (0.22, 0.3, 0.5),
        "face": (0.08, 0.1, 0.34),
        "neck": (0.05, 0.06, 0.4),
        "hands": (0.06, 0.05, 0.35),
        "legs": (0.14, 0.06, 0.25),
    }[zone]
    fall = lighting.shadow(alpha, soft * unit, down * unit) * strength
    if zone == "head" and face:
        fall *= _on_head(alpha.shape, face)
    return fall * _vanishing(alpha.shape, max(2.0, 0.1 * unit))


def _on_head(shape: tuple[int, int], face: Face) -> np.ndarray:
    """A hat throws its shadow on the head, not on the wall behind."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    away = np.hypot((columns - face.x) / (1.3 * face.unit), (rows - face.y) / (1.9 * face.unit))
    return np.clip((1.15 - away) / 0.25, 0, 1)


def _vanishing(shape: tuple[int, int], fade: float) -> np.ndarray:
    """Shadows are gone at the frame's edge: outside it the photo stays as it was."""
    rows = np.minimum(np.arange(shape[0]), np.arange(shape[0])[::-1]) / fade
    columns = np.minimum(np.arange(shape[1]), np.arange(shape[1])[::-1]) / fade
    return np.outer(np.clip(rows, 0, 1), np.clip(columns, 0, 1)).astype(np.float32)
