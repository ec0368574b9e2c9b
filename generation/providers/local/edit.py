"""Edit: the words of a request become operations, done one after another on the base picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..base import Order, ProviderError, Report
from . import captions, frames, regions, tones
from .cutout import own_colours
from .lighting import blurred
from .phrases import parse
from .pixels import LARGEST_SIDE, Picture, decode, size_of, to_jpeg, to_png
from .requests import Operation

FREE = frozenset({"rotate", "mirror", "crop"})
Do = Callable[[Picture, Operation], Picture]


def examine(order: Order) -> None:
    """Refuses, before anything is charged, what is not understood or cannot be done here."""
    operations = asked_for(order)
    size = size_of(_base(order))
    if any(op.name == "upscale" for op in operations) and max(size) * 2 > LARGEST_SIDE:
        raise ProviderError("too_large_to_enlarge", f"{size}", data={"limit": LARGEST_SIDE // 2})
    named = {_region(op) for op in operations} - {None}
    if named:
        small = decode(_base(order), at_most=512)
        for region in sorted(named):
            regions.find(small, region)


def asked_for(order: Order) -> list[Operation]:
    """The operations, with the frame that was chosen beside the words."""
    operations, unknown = parse(order.prompt)
    shaped = order.aspect != "auto" and not any(op.name in ("crop", "pad") for op in operations)
    if shaped:
        across, down = (int(n) for n in order.aspect.split(":"))
        operations.append(Operation("crop", 1.0, {"ratio": (across, down)}))
    if unknown or not operations or (shaped and len(operations) == 1 and order.prompt.strip()):
        words = unknown or [order.prompt.strip()[:60]]
        raise ProviderError("not_understood", " | ".join(words), data={"words": words})
    return operations


def is_free(prompt: str) -> bool:
    """Whether the words ask for nothing but what the free tools do."""
    operations, unknown = parse(prompt)
    return not unknown and bool(operations) and {op.name for op in operations} <= FREE


def _base(order: Order) -> bytes:
    if not order.pictures:
        raise ProviderError("photo_needed", "an edit without a base picture")
    return order.pictures[0]


def _region(operation: Operation) -> str | None:
    if operation.name in ("background", "blur_background"):
        return "background"
    return operation.values.get("region")


def pictures(order: Order, report: Report) -> tuple[bytes, ...]:
    operations = asked_for(order)
    report(5, "reading")
    base = picture = decode(_base(order))
    for index, operation in enumerate(operations):
        report(15 + 70 * index // len(operations), "painting")
        picture = OPERATIONS[operation.name](picture, operation)
    report(90, "finishing")
    if _same(base, picture):
        raise ProviderError("unchanged", ", ".join(op.name for op in operations))
    return (to_jpeg(picture) if picture.alpha is None else to_png(picture),)


def _same(one: Picture, two: Picture) -> bool:
    """No pixel differs by more than rounding does."""
    if one.rgb.shape != two.rgb.shape or (one.alpha is None) != (two.alpha is None):
        return False
    if one.alpha is not None and not np.array_equal(one.alpha, two.alpha):
        return False
    return int(np.abs(one.rgb.astype(np.int16) - two.rgb).max()) <= 1


def _background(picture: Picture, operation: Operation) -> Picture:
    """Gone (transparent), or one colour; what was transparent already is background too."""
    front = _front(picture)
    colour = operation.values["colour"]
    own = own_colours(picture.rgb.astype(np.float32) / 255, front)
    if colour is None:
        return Picture(_bytes(own), np.uint8(front * 255 + 0.5))
    ground = np.array(colour, np.float32) / 255
    return Picture(_bytes(own * front[..., None] + ground * (1 - front[..., None])))


def _front(picture: Picture) -> np.ndarray:
    if picture.alpha is not None:
        return picture.alpha.astype(np.float32) / 255
    return 1 - regions.find(picture, "background")


def _blur_background(picture: Picture, operation: Operation) -> Picture:
    """Only colours of the background are mixed: no glow of the person around the outline."""
    front, rgb = _front(picture), picture.rgb.astype(np.float32) / 255
    behind = np.clip((0.6 - front) / 0.6, 0, 1) + 1e-3
    sigma = operation.amount * max(picture.width, picture.height) / 64
    soft = blurred(rgb * behind[..., None], sigma) / blurred(behind, sigma)[..., None]
    return picture.painted(_bytes(rgb * front[..., None] + soft * (1 - front[..., None])))


def _bytes(rgb: np.ndarray) -> np.ndarray:
    return np.uint8(np.clip(rgb * 255 + 0.5, 0, 255))


def _recolour(picture: Picture, operation: Operation) -> Picture:
    region = operation.values["region"]
    mask = regions.find(picture, region)
    light = {"hair": 0.45, "clothes": 0.75, "sky": 0.5}[region]
    return tones.recolour(picture, mask, operation.values["colour"], light)


def _swap_colour(picture: Picture, operation: Operation) -> Picture:
    mask = tones.near_colour(picture, operation.values["old"])
    if mask.mean() < 0.002:
        raise ProviderError("colour_not_found", str(operation.values["old"]))
    return tones.recolour(picture, mask, operation.values["colour"], 0.6)


def _tone(change: Callable[[Picture, float], Picture]) -> Do:
    return lambda picture, operation: change(picture, operation.amount)


OPERATIONS: dict[str, Do] = {
    "background": _background,
    "blur_background": _blur_background,
    "recolour": _recolour,
    "swap_colour": _swap_colour,
    "brightness": _tone(tones.brighten),
    "contrast": _tone(tones.contrast),
    "saturation": _tone(tones.saturate),
    "warmth": _tone(tones.warm),
    "grey": _tone(tones.grey),
    "sepia": _tone(tones.sepia),
    "vignette": _tone(tones.vignette),
    "sharpen": _tone(tones.sharpen),
    "denoise": _tone(tones.denoise),
    "blur": _tone(tones.blur),
    "upscale": lambda picture, operation: frames.upscale(picture),
    "rotate": lambda picture, operation: frames.rotate(picture, operation.values["degrees"]),
    "mirror": lambda picture, operation: frames.mirror(picture, operation.values["axis"]),
    "crop": lambda picture, operation: frames.crop(picture, operation.values["ratio"]),
    "pad": lambda picture, operation: frames.pad(picture, operation.values["ratio"]),
    "caption": lambda picture, operation: captions.caption(picture, operation.values["text"]),
}
