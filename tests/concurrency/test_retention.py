"""Deletion by several rounds at once, and beside people who send the same photos again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta as td
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from generation import photos, retention
from generation.models import Photo
from telegram_integration.models import User
from tests.pictures import picture_file

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="needs PostgreSQL: set DATABASE_URL"
    ),
]

COLOURS = ("teal", "red", "gold", "navy", "pink", "olive", "brown", "gray")
Together = Callable[..., list[Any]]


@pytest.fixture
def old(person: User, settings: Any) -> list[str]:
    """Names of files of photos that are due."""
    sent = [photos.ingest(person.pk, picture_file(colour)) for colour in COLOURS]
    Photo.objects.update(kept_until=timezone.now() - td(minutes=1))
    return [name for photo in sent for name in (photo.master, photo.thumb)]


def test_rounds_at_once_delete_everything_and_fail_at_nothing(
    old: list[str], together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    assert together(4, lambda _n: retention.forget_due()) == [None] * 4
    assert not Photo.objects.exclude(master="").exists()
    assert not any(default_storage.exists(name) for name in old)


def test_a_photo_that_is_sent_again_meanwhile_has_its_files(
    person: User, old: list[str], together: Together
) -> None:
    def act(number: int) -> None:
        if number < len(COLOURS):
            photos.ingest(person.pk, picture_file(COLOURS[number]))
        else:
            retention.forget_due()

    assert together(len(COLOURS) + 2, act) == [None] * (len(COLOURS) + 2)
    kept = Photo.objects.filter(deleted_at=None)
    assert kept.count() == len(COLOURS)
    assert all(photos.read(photo) for photo in kept)
