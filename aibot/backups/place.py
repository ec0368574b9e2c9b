"""Where backups lie: a folder, or any other storage of Django's under the name `backups`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.files.storage import FileSystemStorage, Storage, storages

UNFINISHED = ".part"


class Folder(FileSystemStorage):
    """A folder of this machine, or one that is mounted. Nobody else may read it."""

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """A file that is there as a whole, on the disk itself, or not at all."""
        path = Path(self.path(name))
        Path(self.location).mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + UNFINISHED)
        try:
            opened = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(opened, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)

    def delete(self, name: str) -> None:
        """And the folder that it leaves empty."""
        super().delete(name)
        parent = Path(self.path(name)).parent
        if parent != Path(self.location) and parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()


def place() -> Storage:
    return storages["backups"]


@contextmanager
def writing(name: str) -> Iterator[Any]:
    """Write a file of the place, replacing one of this name."""
    storage = place()
    if isinstance(storage, Folder):
        with storage.writing(name) as file:
            yield file
    else:
        with storage.open(name, "wb") as file:
            yield file


def listed(folder: str) -> tuple[list[str], list[str]]:
    """Folders and finished files in it; none where there is no such folder."""
    try:
        folders, files = place().listdir(folder)
    except FileNotFoundError:
        return [], []
    return sorted(folders), sorted(file for file in files if not file.endswith(UNFINISHED))
