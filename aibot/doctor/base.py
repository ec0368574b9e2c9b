"""What a check says when something is not as it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings

ON_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Finding:
    """What it is, why it matters, and how to mend it: a sentence each, in plain English."""

    what: str
    why: str
    fix: str
    is_grave = True


class Advice(Finding):
    """Works as it is, and would be better otherwise."""

    is_grave = False


Check = Callable[[], Iterator[Finding]]


def in_production() -> bool:
    return not settings.DEBUG
