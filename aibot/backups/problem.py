"""What goes wrong with a backup, in words that say what to do."""

from __future__ import annotations


class BackupError(Exception):
    """Cannot be taken or restored: why, and what helps."""


class Damaged(BackupError):
    """What lies in the place is not what was put there."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}. Restore an earlier backup (`manage.py backup --list`), and take a new one."
        )
