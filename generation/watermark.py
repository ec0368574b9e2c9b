"""The mark on pictures that were made with free actions: visible, and quiet enough to look past."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

TEXT = "AI picture studio"
HEIGHT_SHARE = 0.035
SPACING = 7
OPACITY = 110


def draw(data: bytes) -> bytes:
    """The picture with a line of repeated marks across its lower part, in the same file format."""
    with Image.open(BytesIO(data)) as picture:
        kind, marked = picture.format, picture.convert("RGBA")
    marked.alpha_composite(_marks(marked.size))
    out = BytesIO()
    if kind == "PNG":
        marked.save(out, "PNG", compress_level=1)
    else:
        marked.convert("RGB").save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()


def _marks(size: tuple[int, int]) -> Image.Image:
    """White letters with a dark edge: readable on any picture, in the corner and the middle."""
    width, height = size
    layer = Image.new("RGBA", size, (255, 255, 255, 0))
    pen = ImageDraw.Draw(layer)
    letter = max(12, round(min(size) * HEIGHT_SHARE))
    font = ImageFont.load_default(letter)
    length = pen.textlength(TEXT, font)
    for number, top in enumerate(range(letter * 2, height, letter * SPACING)):
        left = -length / 2 if number % 2 else 0.0
        while left < width:
            _write(pen, (left + letter, top), font, OPACITY // 2)
            left += length + letter * SPACING / 2
    _write(pen, (width - length - letter, height - letter * 2), font, OPACITY * 2)
    return layer


def _write(
    pen: ImageDraw.ImageDraw, place: tuple[float, float], font: object, opacity: int
) -> None:
    pen.text(
        place, TEXT, font=font, fill=(255, 255, 255, opacity),
        stroke_width=1, stroke_fill=(0, 0, 0, opacity // 2),
    )  # fmt: skip
