"""One broadcast and many who drive it, while staff stop it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from telegram_integration import broadcasts
from telegram_integration.models import Broadcast, OutgoingMessage, User

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="needs PostgreSQL: set DATABASE_URL"
    ),
]

Together = Callable[..., list[Any]]
PEOPLE = 400


@pytest.fixture(autouse=True)
def _in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcasts, "AT_ONCE", 7)


@pytest.fixture
def going() -> Broadcast:
    now = timezone.now()
    User.objects.bulk_create(
        User(username=f"u{one}", telegram_id=one, chat_since=now) for one in range(1, PEOPLE + 1)
    )
    return Broadcast.objects.create(
        text_en="Hello", status="sending", starts_at=now, started_at=now
    )


def test_many_who_drive_it_skip_nobody_and_tell_nobody_twice(
    going: Broadcast, together: Together
) -> None:
    assert set(together(8, lambda _n: broadcasts.drive(timezone.now()))) == {None}
    told = OutgoingMessage.objects.values_list("chat_id", flat=True)
    assert sorted(told) == list(range(1, PEOPLE + 1))


def test_after_a_stop_nothing_waits(going: Broadcast, together: Together) -> None:
    def act(number: int) -> None:
        row = Broadcast.objects.get()
        if number:
            broadcasts.drive(timezone.now())
        else:
            broadcasts.stop(row)

    assert set(together(6, act)) == {None}
    assert Broadcast.objects.get().status == "stopped"
    assert not OutgoingMessage.objects.filter(state="waiting").exists()
