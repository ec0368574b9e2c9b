"""A stored picture on its way out. Whether somebody may see it was decided before."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase

from generation.photos import EXTENSIONS

MIMES = {extension: mime for mime, extension in EXTENSIONS.items()}


def answer_with(name: str) -> HttpResponseBase:
    """The file by this name in the storage: nginx sends it where it stands before us and knows the
    folder (MEDIA_ACCEL is its internal address there), so that no thread waits for a slow line."""
    kind = MIMES[name.rpartition(".")[2]]
    if settings.MEDIA_ACCEL:
        return HttpResponse(
            content_type=kind, headers={"X-Accel-Redirect": settings.MEDIA_ACCEL + quote(name)}
        )
    try:
        return FileResponse(default_storage.open(name), content_type=kind)
    except FileNotFoundError:  # deleted since the row was read
        raise Http404 from None
