"""The pictures of all backups: each sealed once, kept while a backup of the last days names it."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator

from django.core.files.storage import default_storage
from django.db.models import QuerySet

from aibot.backups.place import listed, place, writing
from aibot.backups.problem import Damaged
from aibot.backups.sealing import Part, seal
from generation.models import Photo

FOLDER = "pictures"
Pictures = dict[str, Part]


def sealed(name: str) -> str:
    return f"{FOLDER}/{name}.age"


def add(known: Pictures) -> Pictures:
    """Seal whatever the rows name and ``known``, the list of the last backup, does not hold."""
    there, pictures = set(names()), Pictures()
    for name in _named(Photo.objects.filter(deleted_at=None)):
        if name in known and name in there:
            pictures[name] = known[name]
        elif part := _seal(name):
            pictures[name] = part
    return pictures


def _named(photos: QuerySet[Photo]) -> Iterator[str]:
    for pair in photos.order_by("pk").values_list("master", "thumb").iterator():
        yield from filter(None, pair)


def _seal(name: str) -> Part | None:
    """None where it was deleted since its row was read."""
    try:
        with default_storage.open(name) as file:
            return seal(io.BytesIO(file.read()), sealed(name))
    except FileNotFoundError:
        return None


def names() -> Iterator[str]:
    """Of everything in the pool."""
    for folder in listed(FOLDER)[0]:
        for file in listed(f"{FOLDER}/{folder}")[1]:
            yield f"{folder}/{file.removesuffix('.age')}"


def clear(wanted: Iterable[str]) -> int:
    """Remove what no backup of the last days names. A picture that somebody deleted leaves the
    backups so, too."""
    unwanted = set(names()) - set(wanted)
    for name in unwanted:
        place().delete(sealed(name))
    return len(unwanted)


def write_list(pictures: Pictures, name: str) -> None:
    lines = (f"{picture} {part.size} {part.sha256}\n" for picture, part in pictures.items())
    with writing(name) as file:
        file.write(gzip.compress("".join(lines).encode(), mtime=0))


def read_list(name: str) -> Pictures:
    try:
        with place().open(name) as file:
            lines = gzip.decompress(file.read()).decode().splitlines()
        fields = [line.split(" ") for line in lines]
        return {picture: Part(int(size), digest) for picture, size, digest in fields}
    except FileNotFoundError:
        raise Damaged(f"{name} is missing") from None
    except (OSError, EOFError, ValueError) as error:
        raise Damaged(f"{name} cannot be read ({error})") from None
