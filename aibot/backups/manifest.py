"""What a backup says of itself. Nothing in it is secret; its own checksum guards it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from aibot.backups.place import listed, place, writing
from aibot.backups.problem import BackupError, Damaged
from aibot.backups.sealing import Part

FORMAT = 1
STAMP = "%Y%m%dT%H%M%SZ"
FILE = "manifest.json"


@dataclass
class Manifest:
    """``rows`` and ``sums`` are of the same moment as the dump."""

    stamp: str
    version: str
    engine: str  # postgresql or sqlite
    keys: list[str]
    parts: dict[str, Part] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)
    pictures: int = 0
    picture_bytes: int = 0
    seconds: float = 0

    @property
    def taken_at(self) -> datetime:
        return moment(self.stamp)

    def name(self, part: str) -> str:
        return f"{self.stamp}/{part}"

    def save(self) -> None:
        body = {"format": FORMAT, **asdict(self)}
        with writing(self.name(FILE)) as file:
            file.write(json.dumps({**body, "sha256": _digest(body)}, indent=1).encode())


def moment(stamp: str) -> datetime:
    return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)


def load(stamp: str) -> Manifest:
    """Raises Damaged where it does not say what was written."""
    try:
        with place().open(f"{stamp}/{FILE}") as file:
            body = json.loads(file.read())
        given = body.pop("sha256")
    except FileNotFoundError:
        raise BackupError(f"There is no backup {stamp}: see `manage.py backup --list`.") from None
    except (ValueError, AttributeError, KeyError):
        raise Damaged(f"{stamp}/{FILE} cannot be read") from None
    if given != _digest(body):
        raise Damaged(f"{stamp}/{FILE} was changed: its checksum is another one")
    if body.pop("format") != FORMAT:
        raise BackupError(f"{stamp} was written by a newer studio: restore it with that one.")
    body["parts"] = {name: Part(**part) for name, part in body["parts"].items()}
    return Manifest(**body)


def stamps() -> list[str]:
    """Of all folders that look like a backup's, oldest first; not all need be complete."""
    return [name for name in listed("")[0] if _is_stamp(name)]


def complete() -> list[str]:
    return [stamp for stamp in stamps() if place().exists(f"{stamp}/{FILE}")]


def chosen(which: str) -> str:
    """``latest``, or a stamp of `--list`."""
    there = complete()
    if which == "latest" and there:
        return there[-1]
    if which not in there:
        raise BackupError(f"There is no backup {which}: see `manage.py backup --list`.")
    return which


def _is_stamp(name: str) -> bool:
    try:
        moment(name)
    except ValueError:
        return False
    return True


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
