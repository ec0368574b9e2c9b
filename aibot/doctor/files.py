"""Files and the machine: room, rights, and what has to be built before the start."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage

from aibot.doctor.base import Finding, in_production
from generation.models import Photo

LEAST_FREE_BYTES = 1024**3
LEAST_MEMORY_BYTES = 256 * 1024**2
LEAST_FILES = 1024
LOOKED_AT = 5
MEMORY = Path("/proc/meminfo")


def data() -> Iterator[Finding]:
    folder = Path(settings.DATA_DIR)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield Finding(
            f"DATA_DIR ({folder}) cannot be written to: {error.strerror}.",
            "Photos and results have no place.",
            f"Give it to the user that runs the studio: chown -R {os.getuid()} {folder}",
        )
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        yield Finding(
            f"{free / 1024**2:.0f} MB are free where DATA_DIR is.",
            "A full disk stops the database and loses results.",
            "Make room, or give it a larger disk.",
        )
    yield from _pictures()


def _pictures() -> Iterator[Finding]:
    newest = Photo.objects.filter(deleted_at=None).order_by("-pk")[:LOOKED_AT]
    missing = [photo for photo in newest if not _can_be_read(photo.master)]
    if missing:
        yield Finding(
            f"{len(missing)} of the newest {len(newest)} pictures cannot be read.",
            "People see broken pictures: the files are elsewhere, or belong to another user.",
            "See that every process has the same DATA_DIR (or bucket) and runs as the same user.",
        )


def _can_be_read(name: str) -> bool:
    try:
        with default_storage.open(name) as file:
            return bool(file.read(1))
    except Exception:
        return False


def static() -> Iterator[Finding]:
    if in_production() and not (Path(settings.STATIC_ROOT) / "staticfiles.json").is_file():
        yield Finding(
            "Static files were not collected.",
            "Every page breaks, because the names of its styles are looked up there.",
            "manage.py collectstatic --noinput",
        )


def translations() -> Iterator[Finding]:
    for language, _name in settings.LANGUAGES:
        for folder in settings.LOCALE_PATHS:
            words = Path(folder) / language / "LC_MESSAGES" / "django.po"
            compiled = words.with_suffix(".mo")
            if words.is_file() and not compiled.is_file():
                yield Finding(
                    f"The translation “{language}” is not compiled.",
                    "People read English instead of their language.",
                    "manage.py compilemessages",
                )


def machine() -> Iterator[Finding]:
    if MEMORY.is_file() and _available() < LEAST_MEMORY_BYTES:
        yield Finding(
            f"{_available() / 1024**2:.0f} MB of memory are free.",
            "The next large photo may end a process.",
            "Lower WORKER_CONCURRENCY, or give the machine more memory.",
        )
    files, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < LEAST_FILES:
        yield Finding(
            f"A process may have {files} files open.",
            "Sockets count as files, so people are turned away.",
            f"Raise the limit to {LEAST_FILES} or more (ulimit -n, or LimitNOFILE).",
        )


def _available() -> int:
    lines = dict(line.split(":", 1) for line in MEMORY.read_text().splitlines() if ":" in line)
    return int(lines["MemAvailable"].split()[0]) * 1024
