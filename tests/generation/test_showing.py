"""A picture on its way out: by nginx where it is told to, else by ourselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from generation import photos
from generation.models import Photo
from telegram_integration import hand_over
from telegram_integration.models import User


@pytest.fixture
def photo(person: User, photo_of: Callable[..., Photo]) -> Photo:
    return photo_of(person)


def test_without_nginx_the_bytes_are_ours(signed_in: Any, person: User, photo: Photo) -> None:
    answer = signed_in(person).get(photos.link(photo, "master"))
    assert b"".join(answer) == photos.read(photo)
    assert answer["Content-Type"] == photo.mime
    assert "X-Accel-Redirect" not in answer


def test_behind_nginx_its_name_is_all_we_say(
    signed_in: Any, person: User, photo: Photo, settings: Any
) -> None:
    settings.MEDIA_ACCEL = "/_media/"
    answer = signed_in(person).get(photos.link(photo, "master") + "?download=1")
    assert answer["X-Accel-Redirect"] == f"/_media/{photo.master}"
    assert (answer.content, answer["Content-Type"]) == (b"", photo.mime)
    assert answer["Content-Disposition"].startswith(f'attachment; filename="{photo.code}.')
    assert answer["Cache-Control"] == "private, max-age=600, immutable"


def test_behind_nginx_a_stranger_is_told_no_name(
    signed_in: Any, stranger: User, photo: Photo, settings: Any
) -> None:
    settings.MEDIA_ACCEL = "/_media/"
    answer = signed_in(stranger).get(photos.link(photo, "master"))
    assert answer.status_code == 404
    assert "X-Accel-Redirect" not in answer


def test_a_story_goes_the_same_way(client: Any, photo: Photo, settings: Any) -> None:
    settings.HTTPS, settings.MEDIA_ACCEL = True, "/_media/"
    answer = client.get(hand_over.story_link(photo))
    assert answer["X-Accel-Redirect"] == f"/_media/{photo.master}"
