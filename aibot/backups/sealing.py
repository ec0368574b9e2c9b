"""Sealing with age (https://age-encryption.org/v1): for public keys, so that what is sealed here
cannot be read here. Each file is authenticated as a whole: one changed byte, and it does not open.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyrage
from django.conf import settings

from aibot.backups.place import place, writing
from aibot.backups.problem import BackupError, Damaged

PIECE = 1024 * 1024  # bytes


@dataclass(frozen=True)
class Part:
    """A file of a backup as it lies in the place."""

    size: int
    sha256: str


class Hashing:
    """Passes on what is written, and knows its size and digest."""

    def __init__(self, file: Any) -> None:
        self.file, self.size, self.digest = file, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.file.write(data)
        self.size += len(data)
        self.digest.update(data)
        return len(data)

    def flush(self) -> None:
        self.file.flush()

    @property
    def part(self) -> Part:
        return Part(self.size, self.digest.hexdigest())


def recipients() -> list[pyrage.x25519.Recipient]:
    """Whoever may restore: the public keys of BACKUP_KEY."""
    try:
        return [pyrage.x25519.Recipient.from_str(key) for key in settings.BACKUP_KEY]
    except pyrage.RecipientError:
        raise BackupError(
            "BACKUP_KEY holds no public key of age: `manage.py backup --new-key` makes a pair."
        ) from None


def new_pair() -> tuple[str, str]:
    """A secret key, and the public one that goes with it."""
    secret = pyrage.x25519.Identity.generate()
    return str(secret), str(secret.to_public())


def identities(path: Path) -> list[pyrage.x25519.Identity]:
    """The secret keys in a file, one a line; `#` begins a comment."""
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
        return [
            pyrage.x25519.Identity.from_str(line) for line in lines if line[:1] not in ("", "#")
        ]
    except (OSError, UnicodeDecodeError, pyrage.IdentityError):
        raise BackupError(
            f"{path} holds no secret key: it is the file that `manage.py backup --new-key` printed."
        ) from None


def seal(source: IO[bytes], name: str) -> Part:
    """Everything that can be read from ``source``, under ``name``."""
    if not (public := recipients()):
        raise BackupError("BACKUP_KEY is not set: `manage.py backup --new-key` makes a pair.")
    with writing(name) as file:
        hashing = Hashing(file)
        pyrage.encrypt_io(source, hashing, public)
    return hashing.part


def unseal(name: str, target: Any, secrets: list[pyrage.x25519.Identity]) -> None:
    try:
        with place().open(name) as file:
            pyrage.decrypt_io(file, target, secrets)
    except FileNotFoundError:
        raise Damaged(f"{name} is missing") from None
    except (pyrage.DecryptError, OSError) as error:  # the latter from the middle of a stream
        raise Damaged(f"{name} does not open with this key ({error})") from None


def measure(name: str) -> Part:
    """What lies there now."""
    digest, size = hashlib.sha256(), 0
    try:
        with place().open(name) as file:
            while piece := file.read(PIECE):
                digest.update(piece)
                size += len(piece)
    except FileNotFoundError:
        raise Damaged(f"{name} is missing") from None
    return Part(size, digest.hexdigest())


def check(name: str, expected: Part) -> None:
    """Raises Damaged where it is not what was written."""
    found = measure(name)
    if found.size != expected.size:
        raise Damaged(f"{name} has {found.size} bytes instead of {expected.size}")
    if found.sha256 != expected.sha256:
        raise Damaged(f"{name} was changed: its checksum is another one")
