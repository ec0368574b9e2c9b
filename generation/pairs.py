"""Before and after on one card: made here, for nothing."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from generation import photos
from generation.models import Input, Photo
from generation.problems import refused

HEIGHT = 1024
GAP = 8
QUALITY = 92
BEFORE = (Input.Role.PERSON, Input.Role.BASE)


def card(result: Photo) -> Photo:
    """The photo that a result came from, and the result, side by side; made once for both."""
    used = result.job.inputs.filter(role__in=BEFORE).select_related("photo").first()
    if used is None or used.photo.deleted_at:
        raise refused("photo_gone", status=409)
    halves = [_opened(photo) for photo in (used.photo, result)]
    width = sum(half.width for half in halves) + GAP
    sheet = Image.new("RGB", (width, HEIGHT), "white")
    sheet.paste(halves[0], (0, 0))
    sheet.paste(halves[1], (halves[0].width + GAP, 0))
    file = io.BytesIO()
    sheet.save(file, "JPEG", quality=QUALITY)
    return photos.ingest(result.owner_id, file.getvalue())


def _opened(photo: Photo) -> Image.Image:
    """Our own file, cleaned when it came in."""
    picture = Image.open(io.BytesIO(photos.read(photo)), formats=("JPEG", "PNG", "WEBP"))
    width = max(1, round(picture.width * HEIGHT / picture.height))
    return ImageOps.fit(picture.convert("RGB"), (width, HEIGHT))
