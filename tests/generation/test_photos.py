"""Photos as rows and files: kept once, shown to their owner, gone when deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from billing.problem import Problem
from generation import photos
from generation.models import Photo
from telegram_integration.models import User
from tests.conftest import picture_file

pytestmark = pytest.mark.django_db


def test_the_same_file_is_the_same_photo(person: User) -> None:
    first, again = (photos.ingest(person.pk, picture_file()) for _time in range(2))
    assert first == again
    assert Photo.objects.count() == 1


def test_two_people_with_one_file_have_a_photo_each(person: User, stranger: User) -> None:
    mine, theirs = (photos.ingest(user.pk, picture_file()) for user in (person, stranger))
    assert mine.master != theirs.master


def test_what_is_not_a_photo_leaves_nothing_behind(person: User) -> None:
    with pytest.raises(Problem) as caught:
        photos.ingest(person.pk, b"<svg/>")
    assert caught.value.code == "photo_not_supported"
    assert not Photo.objects.exists()


def test_a_name_cannot_be_guessed_from_the_file(person: User) -> None:
    import hashlib

    photo = photos.ingest(person.pk, data := picture_file())
    digests = {hashlib.new(name, data).hexdigest() for name in ("md5", "sha1", "sha256")}
    assert not any(photo.master.split("/")[1][:16] in digest for digest in digests)


def test_a_link_shows_the_photo_to_its_owner_alone(
    person: User,
    stranger: User,
    photo_of: Callable[..., Photo],
    signed_in: Callable[[User], Client],
) -> None:
    link = photos.link(photo := photo_of(person))
    answer = signed_in(person).get(link)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert b"".join(answer.streaming_content) == photos.read(photo)
    assert signed_in(stranger).get(link).status_code == 404
    assert Client().get(link).status_code == 401


def test_a_link_dies_after_ten_minutes(
    person: User, photo_of: Callable[..., Photo], signed_in: Callable[[User], Client]
) -> None:
    photo, client = photo_of(person), signed_in(person)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        link = photos.link(photo)
        clock.shift(299)
        assert client.get(link).status_code == 200
        clock.shift(302)
        answer = client.get(link)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "link_expired"


def test_a_link_cannot_be_bent_to_another_picture(
    person: User, photo_of: Callable[..., Photo], signed_in: Callable[[User], Client]
) -> None:
    link, other = photos.link(photo_of(person)), photo_of(person, "red")
    code = str(Photo.objects.exclude(pk=other.pk).get().code)
    client = signed_in(person)
    assert client.get(link.replace(code, str(other.code))).status_code == 403
    assert client.get(link.replace("/master/", "/thumb/")).status_code == 403


def test_a_deleted_photo_is_gone_and_can_be_sent_again(
    person: User, django_capture_on_commit_callbacks: Any
) -> None:
    photo = photos.ingest(person.pk, picture_file())
    with django_capture_on_commit_callbacks(execute=True):
        photos.forget(photo)
    assert not default_storage.exists(photo.master)
    assert not default_storage.exists(photo.thumb)
    assert photos.ingest(person.pk, picture_file()) != photo


def test_strangers_photos_do_not_exist(
    person: User, stranger: User, photo_of: Callable[..., Photo]
) -> None:
    theirs = photo_of(stranger)
    with pytest.raises(Problem) as caught:
        photos.of(person.pk, [theirs.code])
    assert (caught.value.code, caught.value.status) == ("photo_unknown", 404)
