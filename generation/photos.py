"""Photos: taken in once, kept under names that nobody can guess, shown to their owner alone."""

from __future__ import annotations

import hashlib
import io
import secrets
import time
import uuid
from collections.abc import Iterable
from datetime import timedelta as td
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.signing import BadSignature, Signer
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from generation import sandbox
from generation.models import Draft, Photo
from generation.problems import refused

VARIANTS = ("master", "thumb")
UPLOAD_KEPT = td(hours=24)
RESULT_KEPT = td(days=30)
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
signer = Signer(salt="generation.photos")


def ingest(owner_id: int, data: bytes) -> Photo:
    """Take in an upload. The same file from the same person is the same photo, kept anew.

    Raises a Problem where the file is not a photo that we take.
    """
    digest = hashlib.sha256(data).hexdigest()
    if known := _sent_again(owner_id, digest):
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
        remove([photo.master, photo.thumb])
        return Photo.objects.get(owner=owner_id, digest=digest, job=None, deleted_at=None)
    return photo


def keep(clean: sandbox.CleanPhoto, *, owner_id: int, digest: str, **extra: Any) -> Photo:
    """Store the files and return the row that describes them, not saved yet.

    Whoever dies before saving it leaves files that nobody names: see `orphans.py`.
    """
    kept = RESULT_KEPT if "job" in extra or "parent" in extra else UPLOAD_KEPT
    return Photo(
        owner_id=owner_id,
        digest=digest,
        kept_until=timezone.now() + kept,
        master=_write(clean.master, clean.mime),
        thumb=_write(clean.thumb, _mime(clean.thumb)),
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
    """Raises a Problem where the photo was deleted a moment ago."""
    try:
        with default_storage.open(photo.master) as file:
            return file.read()
    except (FileNotFoundError, IsADirectoryError):  # the latter: its name is gone as well
        raise refused("photo_gone", status=409) from None


def favour(photo: Photo) -> None:
    """Keep a picture for good. What people send is not ours to keep."""
    if not photo.is_made:
        raise refused("kept_a_day", status=409)
    photo.favourite = True
    photo.save(update_fields=["favourite"])


def unfavour(photo: Photo) -> None:
    """From now on it is kept like any other, but for a day at least: a slip costs nothing."""
    a_day = timezone.now() + UPLOAD_KEPT
    photo.favourite, photo.kept_until = False, max(photo.kept_until or a_day, a_day)
    photo.save(update_fields=["favourite", "kept_until"])


def opened(photo: Photo) -> Image.Image:
    """Its pixels, from a file of our own. Raises a Problem where it is gone."""
    picture = Image.open(io.BytesIO(read(photo)), formats=("JPEG", "PNG", "WEBP"))
    picture.load()
    return picture


def forget(photo: Photo) -> None:
    """Delete the picture itself; the row stays, since jobs speak of it. Done twice, done once."""
    with transaction.atomic():
        gone = mark_gone(Photo.objects.filter(pk=photo.pk))
        transaction.on_commit(lambda: remove_files(gone))


def mark_gone(doomed: QuerySet[Photo]) -> list[Photo]:
    """Nobody can see these any more. The files go after the commit: `remove_files()`."""
    gone = list(doomed.filter(deleted_at=None).select_for_update(of=("self",)))
    keys = [photo.pk for photo in gone]
    Photo.objects.filter(pk__in=keys).update(
        deleted_at=timezone.now(), placeholder="", fits={}, hints=[]
    )
    Draft.objects.filter(person__in=keys).update(person=None)
    Draft.objects.filter(item__in=keys).update(item=None)
    return gone


def remove_files(gone: Iterable[Photo]) -> None:
    """Of photos that are marked as gone; the names go last, so that a death in between is no
    loss: what still has a name is removed by the clock."""
    for photo in gone:
        names = {photo.master, photo.thumb} - {""}
        remove(names - _shared(photo, names))
        Photo.objects.filter(pk=photo.pk).update(master="", thumb="")


def remove(names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(name)


def _shared(photo: Photo, names: set[str]) -> set[str]:
    """Names that another photo has too: once, equal files of one person had one name."""
    alike = Photo.objects.filter(owner=photo.owner_id, deleted_at=None)
    alike = alike.filter(Q(master__in=names) | Q(thumb__in=names))
    return {name for pair in alike.values_list("master", "thumb") for name in pair}


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


def _sent_again(owner_id: int, digest: str) -> Photo | None:
    """The photo as it was sent before. From now on it is kept as long as a new one."""
    known = Photo.objects.filter(owner=owner_id, digest=digest, job=None, deleted_at=None)
    now = timezone.now()
    return known.first() if known.update(created_at=now, kept_until=now + UPLOAD_KEPT) else None


def _write(data: bytes, mime: str) -> str:
    """Under a name of its own, that nobody can guess: what is deleted is never another's."""
    token = secrets.token_hex(20)
    return default_storage.save(f"{token[:2]}/{token}.{EXTENSIONS[mime]}", ContentFile(data))


def _mime(data: bytes) -> str:
    if data.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if data[8:12] == b"WEBP" else "image/jpeg"
