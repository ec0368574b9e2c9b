"""The mark on pictures that were made with free actions: visible, and quiet enough to look past."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

TEXT = "AI picture studio"
HEIGHT_SHARE = 0.035
SMALLEST, SMALLEST_OF_ALL = 12, 6
SPACING = 7
OPACITY = 110


def draw(data: bytes) -> bytes:
    """The picture with a line of repeated marks across its lower part, in the same file format."""
    with Image.open(BytesIO(data)) as picture:
        kind, marked = picture.format, picture.convert("RGBA")
    marked.alpha_composite(_marks(marked.size))
    return _file(marked, kind)


def draw_corner(data: bytes) -> bytes:
    """The same with the mark in the corner alone."""
    with Image.open(BytesIO(data)) as picture:
        return _file(sign(picture), picture.format)


def sign(picture: Image.Image) -> Image.Image:
    """The mark in the corner alone, for what was cut out of a marked picture."""
    signed = picture.convert("RGBA")
    layer = Image.new("RGBA", signed.size, (255, 255, 255, 0))
    pen = ImageDraw.Draw(layer)
    _write_in_corner(pen, signed.size, _fitting(pen, signed.size))
    signed.alpha_composite(layer)
    return signed if picture.mode == "RGBA" else signed.convert("RGB")


def _file(picture: Image.Image, kind: str | None) -> bytes:
    out = BytesIO()
    if kind == "PNG":
        picture.save(out, "PNG", compress_level=1)
    else:
        picture.convert("RGB").save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()


def _marks(size: tuple[int, int]) -> Image.Image:
    """White letters with a dark edge: readable on any picture, in the corner and the middle."""
    width, height = size
    layer = Image.new("RGBA", size, (255, 255, 255, 0))
    pen = ImageDraw.Draw(layer)
    letter = _letter(size)
    font = ImageFont.load_default(letter)
    length = pen.textlength(TEXT, font)
    for number, top in enumerate(range(letter * 2, height, letter * SPACING)):
        left = -length / 2 if number % 2 else 0.0
        while left < width:
            _write(pen, (left + letter, top), font, OPACITY // 2)
            left += length + letter * SPACING / 2
    _write_in_corner(pen, size, letter)
    return layer


def _letter(size: tuple[int, int]) -> int:
    return max(SMALLEST, round(min(size) * HEIGHT_SHARE))


def _fitting(pen: ImageDraw.ImageDraw, size: tuple[int, int]) -> int:
    """As large as the mark may be where it must not be wider than the picture."""
    letter = _letter(size)
    length = pen.textlength(TEXT, ImageFont.load_default(letter)) + 2 * letter
    return max(SMALLEST_OF_ALL, min(letter, int(letter * size[0] / length)))


def _write_in_corner(pen: ImageDraw.ImageDraw, size: tuple[int, int], letter: int) -> None:
    font = ImageFont.load_default(letter)
    length = pen.textlength(TEXT, font)
    _write(pen, (size[0] - length - letter, size[1] - letter * 2), font, OPACITY * 2)


def _write(
    pen: ImageDraw.ImageDraw, place: tuple[float, float], font: object, opacity: int
) -> None:
    pen.text(
        place, TEXT, font=font, fill=(255, 255, 255, opacity),
        stroke_width=1, stroke_fill=(0, 0, 0, opacity // 2),
    )  # fmt: skip
