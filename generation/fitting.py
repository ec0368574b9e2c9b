"""Where an item would go on a person: asked of the provider once, then kept with the photo."""

from __future__ import annotations

from generation import photos, routing
from generation.models import Photo, Tool
from generation.providers.base import Fit


def fit(photo: Photo, zone: str, tool: str = Tool.TRYON) -> Fit:
    """The place for the zone. ``reason`` is empty, or the code of why a person must draw it."""
    known = photo.fits.get(zone)
    if known is None:
        found = routing.first(tool).locate(photos.read(photo), zone)
        known = {"box": found.box, "reason": found.reason}
        photo.fits = {**photo.fits, zone: known}
        Photo.objects.filter(pk=photo.pk, deleted_at=None).update(fits=photo.fits)
    return Fit(tuple(known["box"]) if known["box"] else None, known["reason"])
