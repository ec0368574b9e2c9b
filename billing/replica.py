"""Reading from a copy of the database that may lag a little: for looking, never for deciding.

Everything reads the primary unless it says otherwise, because what a person has just done must be
seen at once. Reports and metrics read a lot and decide nothing, so they ask the copy,
where there is one (DATABASE_REPLICA_URL) and it answers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from django.db import Error, connections

ALIAS = "replica"

logger = logging.getLogger(__name__)
_wanted: ContextVar[bool] = ContextVar("replica_wanted", default=False)


class Router:
    """Writes and migrations go to the primary; reads too, outside of `reading`."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return ALIAS if _wanted.get() else None

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == ALIAS else None


@contextmanager
def reading() -> Iterator[None]:
    """What is read inside may come from the copy; from the primary where the copy is away."""
    token = _wanted.set(_is_there())
    try:
        yield
    finally:
        _wanted.reset(token)


def from_replica(look: Callable[..., Any]) -> Callable[..., Any]:
    """A view that only looks."""

    @wraps(look)
    def looking(*args: Any, **kwargs: Any) -> Any:
        with reading():
            return look(*args, **kwargs)

    return looking


def _is_there() -> bool:
    if ALIAS not in connections.settings:
        return False
    try:
        connections[ALIAS].ensure_connection()
    except Error:
        logger.warning("the replica does not answer, the primary is asked instead")
        return False
    return True
