"""Before and after on one card: made here, for nothing."""

from __future__ import annotations

from PIL import Image, ImageOps

from generation import lineage, photos
from generation.models import Input, Photo
from generation.problems import refused

HEIGHT = 1024
GAP = 8
BEFORE = (Input.Role.PERSON, Input.Role.BASE)
RECIPE = {"card": True}


def card(result: Photo) -> Photo:
    """The photo that a result came from, and the result, side by side; made once for both."""
    if known := lineage.known(result, RECIPE):
        return known
    halves = [_half(photo) for photo in (_before(result), result)]
    width = sum(half.width for half in halves) + GAP
    sheet = Image.new("RGB", (width, HEIGHT), "white")
    sheet.paste(halves[0], (0, 0))
    sheet.paste(halves[1], (halves[0].width + GAP, 0))
    return lineage.keep(result, sheet, RECIPE, as_png=False)


def _before(result: Photo) -> Photo:
    used = Input.objects.filter(job=result.job_id, role__in=BEFORE).select_related("photo").first()
    if used is None:
        raise refused("nothing_before")
    if used.photo.deleted_at:
        raise refused("photo_gone", status=409)
    return used.photo


def _half(photo: Photo) -> Image.Image:
    picture = photos.opened(photo)
    width = max(1, round(picture.width * HEIGHT / picture.height))
    return ImageOps.fit(picture.convert("RGB"), (width, HEIGHT))
