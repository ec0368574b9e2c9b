"""The frame of a picture: crop, pad, turn, mirror, enlarge. Transparency follows."""

from __future__ import annotations

from math import ceil, cos, radians, sin

import cv2
import numpy as np

from .body import find_face
from .lighting import blurred
from .pixels import Picture, resized

Ratio = tuple[int, int]


def _each(picture: Picture, change) -> Picture:
    alpha = None if picture.alpha is None else np.ascontiguousarray(change(picture.alpha))
    return Picture(np.ascontiguousarray(change(picture.rgb)), alpha)


def crop(picture: Picture, ratio: Ratio) -> Picture:
    """The largest part of this shape; around the face where there is one, else the middle."""
    width, height = _inside(picture, ratio)
    if (width, height) == (picture.width, picture.height):
        return picture
    x, y = _interest(picture)
    left = int(np.clip(x - width / 2, 0, picture.width - width))
    top = int(np.clip(y - height * 0.42, 0, picture.height - height))
    return _each(picture, lambda plane: plane[top : top + height, left : left + width])


def _inside(picture: Picture, ratio: Ratio) -> tuple[int, int]:
    across, down = ratio
    scale = min(picture.width / across, picture.height / down)
    return max(1, round(across * scale)), max(1, round(down * scale))


def _interest(picture: Picture) -> tuple[float, float]:
    face = find_face(picture.rgb)
    return (face.x, face.y) if face else (picture.width / 2, picture.height * 0.46)


def pad(picture: Picture, ratio: Ratio) -> Picture:
    """The whole picture on a wider ground, made of itself: blurred and a little darker."""
    across, down = ratio
    scale = max(picture.width / across, picture.height / down)
    width, height = round(across * scale), round(down * scale)
    if (width, height) == (picture.width, picture.height):
        return picture
    left, top = (width - picture.width) // 2, (height - picture.height) // 2
    ground = _ground(picture, width, height)
    ground[top : top + picture.height, left : left + picture.width] = picture.rgb
    if picture.alpha is None:
        return Picture(ground)
    alpha = np.zeros((height, width), np.uint8)
    alpha[top : top + picture.height, left : left + picture.width] = picture.alpha
    return Picture(ground, alpha)


def _ground(picture: Picture, width: int, height: int) -> np.ndarray:
    whole = crop(picture, (width, height))
    large = resized(whole, width, height).rgb.astype(np.float32)
    return np.uint8(np.clip(blurred(large, max(width, height) / 28) * 0.82 + 12, 0, 255))


def rotate(picture: Picture, degrees: int) -> Picture:
    """Clockwise. Quarter turns lose nothing; others are cropped to leave no empty corners."""
    turn = degrees % 360
    if turn % 90 == 0:
        return _each(picture, lambda plane: np.rot90(plane, -turn // 90))
    width, height = picture.width, picture.height
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -turn, 1)
    turned = _each(
        picture,
        lambda p: cv2.warpAffine(
            p, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        ),
    )
    w, h = _largest_upright(width, height, turn)
    left, top = (width - w) // 2, (height - h) // 2
    return _each(turned, lambda plane: plane[top : top + h, left : left + w])


def _largest_upright(width: int, height: int, degrees: float) -> tuple[int, int]:
    """The largest upright rectangle of the same shape inside a turned one."""
    angle = radians(degrees % 180 if degrees % 180 <= 90 else 180 - degrees % 180)
    c, s = cos(angle), sin(angle)
    scale = min(width / (width * c + height * s), height / (width * s + height * c))
    return max(1, ceil(width * scale) - 1), max(1, ceil(height * scale) - 1)


def mirror(picture: Picture, axis: str) -> Picture:
    return _each(picture, lambda plane: plane[:, ::-1] if axis == "across" else plane[::-1])


def upscale(picture: Picture) -> Picture:
    """Twice as large: Lanczos, then a little sharper, for the eye expects detail at that size."""
    size = (picture.width * 2, picture.height * 2)
    large = cv2.resize(picture.rgb, size, interpolation=cv2.INTER_LANCZOS4)
    soft = cv2.GaussianBlur(large, (0, 0), 1.6)
    sharp = cv2.addWeighted(large, 1.55, soft, -0.55, 0)
    alpha = picture.alpha
    return Picture(
        sharp, None if alpha is None else cv2.resize(alpha, size, interpolation=cv2.INTER_CUBIC)
    )
