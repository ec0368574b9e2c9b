"""Files that no photo names: left by whoever died between writing them and writing the row."""

from __future__ import annotations

from datetime import datetime
from datetime import timedelta as td

from django.core.files.storage import default_storage
from django.db.models import Q

from generation import photos
from generation.models import Photo

FOLDERS = 256
EVERY = td(minutes=5)
"""One folder is looked at each time: all of them within a day."""
UNNAMED = td(hours=1)
"""How long a file may wait for its row."""
TOGETHER = 500


def remove_some(now: datetime) -> int:
    """Look through the folder whose turn it is. Returns how many were removed."""
    folder = f"{int(now.timestamp() // EVERY.total_seconds()) % FOLDERS:02x}"
    return remove_from(folder, now)


def remove_from(folder: str, now: datetime) -> int:
    try:
        _folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return 0
    names = [f"{folder}/{file}" for file in files]
    parts = [names[n : n + TOGETHER] for n in range(0, len(names), TOGETHER)]
    return sum(_remove_unnamed(part, now) for part in parts)


def _remove_unnamed(names: list[str], now: datetime) -> int:
    named = Photo.objects.filter(Q(master__in=names) | Q(thumb__in=names))
    known = {name for pair in named.values_list("master", "thumb") for name in pair}
    old = [name for name in set(names) - known if _age(name, now) > UNNAMED]
    photos.remove(old)
    return len(old)


def _age(name: str, now: datetime) -> td:
    try:
        return now - default_storage.get_modified_time(name)
    except FileNotFoundError:  # somebody else removed it
        return td(0)
