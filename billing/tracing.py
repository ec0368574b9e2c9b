"""What a line in the log is about: a request, an update, a job, and a person under a pseudonym.

It stands on the lowest floor, because every floor says it. What is bound here is on every line that
the same thread or coroutine writes meanwhile, and on what Sentry is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils.crypto import salted_hmac
from structlog.contextvars import bind_contextvars, bound_contextvars, unbind_contextvars

DIGITS = 12


def pseudonym(person_id: int) -> str:
    """The name of a person in logs: always the same, and nothing without our key. Shown to staff
    on the person's page in the admin."""
    return salted_hmac("tracing.person", str(person_id), algorithm="sha256").hexdigest()[:DIGITS]


@contextmanager
def about(*, person_id: int | None = None, **names: Any) -> Iterator[None]:
    """Everything that is logged within is about these."""
    with bound_contextvars(**_known(person_id, names)):
        yield


def note(*, person_id: int | None = None, **names: Any) -> None:
    """From here on in this thread, until it is forgotten."""
    bind_contextvars(**_known(person_id, names))


def forget(*names: str) -> None:
    unbind_contextvars(*names)


def _known(person_id: int | None, names: dict[str, Any]) -> dict[str, str]:
    if person_id is not None:
        names["person"] = pseudonym(person_id)
    return {name: str(value) for name, value in names.items() if value is not None}
