"""Who makes the pictures: the same questions as in `manage.py providers`."""

from __future__ import annotations

from collections.abc import Iterator

from aibot.doctor.base import Finding
from generation import checkup
from generation.models import Route


def vendors() -> Iterator[Finding]:
    if not Route.objects.exists():
        yield Finding(
            "No provider gets any order.",
            "Nothing can be made.",
            "manage.py seed, or add routes in the admin.",
        )
    for found in checkup.look():
        if found.is_broken:
            said = f" ({found.detail})" if found.detail else ""
            yield Finding(
                f"{found.name} gets orders and is {found.condition.value}{said}.",
                "Its orders fail, or wait for another provider.",
                str(found.fix),
            )
