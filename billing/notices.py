"""What a person must hear of their money, unasked: written once, closed when it is old."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from billing.models import Notice


def note(account_id: int, sort: str, *, key: str, **data: Any) -> None:
    """Once under ``key``."""
    Notice.objects.get_or_create(
        key=key, defaults={"account_id": account_id, "sort": sort, "data": data}
    )


def open_of(user_id: int) -> QuerySet[Notice]:
    return Notice.objects.filter(account__user=user_id, closed_at=None)


def close(user_id: int, code: UUID) -> bool:
    """The person has read it. Returns whether it is theirs."""
    theirs = Notice.objects.filter(account__user=user_id, code=code)
    theirs.filter(closed_at=None).update(closed_at=timezone.now())
    return theirs.exists()


def close_all(account_id: int) -> None:
    """What they say is not true any more."""
    Notice.objects.filter(account=account_id, closed_at=None).update(closed_at=timezone.now())
