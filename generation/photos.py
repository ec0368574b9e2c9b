"""Photos: taken in once, kept under names that nobody can guess, shown to their owner alone."""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.signing import BadSignature, Signer
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from generation import sandbox
from generation.models import Photo
from generation.problems import refused

VARIANTS = ("master", "thumb")
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
# The files of a photo are written before its row, so a name must be the same for the same content.
signer = Signer(salt="generation.photos")


def ingest(owner_id: int, data: bytes) -> Photo:
    """Take in an upload. The same file from the same person is the same photo.

    Raises a Problem where the file is not a photo that we take.
    """
    digest = hashlib.sha256(data).hexdigest()
    if known := _sent_before(owner_id, digest):
        return known
    try:
        clean = sandbox.clean(data)
    except sandbox.PhotoError as error:
        raise refused(error.code, status=413 if error.code == "photo_too_large" else 422) from None
    photo = keep(clean, owner_id=owner_id, digest=digest)
    try:
        with transaction.atomic():
            photo.save()
    except IntegrityError:
        # The same photo arrived twice at once: the other row won.
        return Photo.objects.get(owner=owner_id, digest=digest, job=None, deleted_at=None)
    return photo


def keep(clean: sandbox.CleanPhoto, *, owner_id: int, digest: str, **extra: Any) -> Photo:
    """Store the files and return the row that describes them, not saved yet."""
    return Photo(
        owner_id=owner_id,
        digest=digest,
        master=_write(owner_id, clean.master, clean.mime),
        thumb=_write(owner_id, clean.thumb, _mime(clean.thumb)),
        mime=clean.mime,
        size=len(clean.master),
        width=clean.width,
        height=clean.height,
        placeholder=clean.placeholder,
        hints=list(clean.hints),
        **extra,
    )


def of(owner_id: int, codes: list[uuid.UUID]) -> list[Photo]:
    """The person's own photos with these codes, in this order. Anybody else's do not exist."""
    found = Photo.objects.filter(owner=owner_id, code__in=codes, deleted_at=None)
    by_code = {photo.code: photo for photo in found}
    if missing := [str(code) for code in codes if code not in by_code]:
        raise refused("photo_unknown", status=404, codes=missing)
    return [by_code[code] for code in codes]


def read(photo: Photo) -> bytes:
    with default_storage.open(photo.master) as file:
        return file.read()


def forget(photo: Photo) -> None:
    """Delete the picture itself; the row stays, since jobs speak of it. Done twice, done once."""
    Photo.objects.filter(pk=photo.pk, deleted_at=None).update(
        deleted_at=timezone.now(), placeholder="", fits={}
    )
    used = Photo.objects.filter(owner=photo.owner_id, deleted_at=None)
    for name in (photo.master, photo.thumb):
        if not used.filter(master=name).exists() and not used.filter(thumb=name).exists():
            default_storage.delete(name)


def link(photo: Photo, variant: str = "master") -> str:
    """A private address that works for its owner, for 10 minutes at most.

    It changes every five minutes only, so that a browser may keep what it has shown.
    """
    half = settings.PHOTO_LINK_SECONDS // 2
    expires = (int(time.time()) // half + 2) * half
    token = signer.sign(f"{photo.code.hex}.{variant}.{expires}").rsplit(":", 1)[1]
    return reverse("photo_file", args=[photo.code, variant, expires, token])


def link_is_good(code: uuid.UUID, variant: str, expires: int, token: str) -> bool:
    """Whether we made this address, and it has not run out."""
    try:
        signer.unsign(f"{code.hex}.{variant}.{expires}:{token}")
    except BadSignature:
        return False
    return variant in VARIANTS and time.time() <= expires


def _sent_before(owner_id: int, digest: str) -> Photo | None:
    return Photo.objects.filter(owner=owner_id, digest=digest, job=None, deleted_at=None).first()


def _write(owner_id: int, data: bytes, mime: str) -> str:
    """Named by content, for this person, with our secret: the same file is stored once."""
    secret = salted_hmac(f"photo:{owner_id}", data, algorithm="sha256").hexdigest()[:40]
    name = f"{secret[:2]}/{secret}.{EXTENSIONS[mime]}"
    if not default_storage.exists(name):
        return default_storage.save(name, ContentFile(data))
    return name


def _mime(data: bytes) -> str:
    if data.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if data[8:12] == b"WEBP" else "image/jpeg"
