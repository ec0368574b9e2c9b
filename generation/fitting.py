"""Where an item would go on a person: asked of the provider once, then kept with the photo."""

from __future__ import annotations

from django.conf import settings

from generation import photos
from generation.models import Photo
from generation.providers import PROVIDERS
from generation.providers.base import Fit


def fit(photo: Photo, zone: str) -> Fit:
    """The place for the zone. ``reason`` is empty, or the code of why a person must draw it."""
    known = photo.fits.get(zone)
    if known is None:
        found = PROVIDERS[settings.PROVIDER].locate(photos.read(photo), zone)
        known = {"box": found.box, "reason": found.reason}
        photo.fits = {**photo.fits, zone: known}
        Photo.objects.filter(pk=photo.pk, deleted_at=None).update(fits=photo.fits)
    return Fit(tuple(known["box"]) if known["box"] else None, known["reason"])
