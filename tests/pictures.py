"""A picture for tests. Nothing here needs a studio: the vendors' stubs run without one."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw


def picture_file(
    colour: str = "teal", size: tuple[int, int] = (320, 400), kind: str = "JPEG"
) -> bytes:
    """A plain picture with a disc in it: not blank, and unlike one of another colour."""
    out = io.BytesIO()
    picture = Image.new("RGB", size, colour)
    ImageDraw.Draw(picture).ellipse(
        (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2), "white"
    )
    picture.save(out, kind)
    return out.getvalue()
