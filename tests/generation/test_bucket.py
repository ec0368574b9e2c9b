"""Photos in a bucket: a server that speaks S3, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta as td
from typing import Any

import boto3
import pytest
from django.test import Client
from django.utils import timezone
from moto.server import ThreadedMotoServer

from aibot.bucket import storage
from generation import orphans, photos, studio, worker
from generation.models import Photo
from telegram_integration.models import User
from tests.conftest import Obedient

pytestmark = pytest.mark.django_db
KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(address: str, settings: Any) -> Any:
    """An empty one, which the studio uses."""
    server = boto3.resource("s3", endpoint_url=address, region_name="us-east-1", **KEYS)
    bucket = server.create_bucket(Bucket="studio")
    bucket.objects.all().delete()
    where = {"endpoint_url": address, "region_name": "us-east-1",
             "access_key": "key", "secret_key": "secret"}  # fmt: skip
    default = storage("studio", where, "auto")
    settings.STORAGES = settings.STORAGES | {"default": default}
    return bucket


def names(bucket: Any) -> set[str]:
    return {one.key for one in bucket.objects.all()}


def test_a_picture_is_made_from_the_bucket_into_the_bucket(
    bucket: Any, person: User, photo_of: Callable[..., Photo], provider: Obedient,
    signed_in: Callable[[User], Client],
) -> None:  # fmt: skip
    base = photo_of(person)
    job = studio.edit(person.pk, base=base, prompt="make it warmer")
    worker.work()
    made = job.results.get()
    assert names(bucket) == {base.master, base.thumb, made.master, made.thumb}
    answer = signed_in(person).get(photos.link(made))
    assert b"".join(answer.streaming_content) == photos.read(made)


def test_the_same_photo_is_kept_once(
    bucket: Any, person: User, photo_of: Callable[..., Photo]
) -> None:
    assert photo_of(person) == photo_of(person)
    assert len(names(bucket)) == 2


def test_what_is_forgotten_leaves_the_bucket(
    bucket: Any, person: User, photo_of: Callable[..., Photo],
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    photo = photo_of(person)
    with django_capture_on_commit_callbacks(execute=True):
        photos.forget(photo)
    assert names(bucket) == set()


def test_a_file_without_a_row_is_swept(
    bucket: Any, person: User, photo_of: Callable[..., Photo]
) -> None:
    kept = photo_of(person)
    folder = kept.master.partition("/")[0]
    bucket.put_object(Key=f"{folder}/lost.jpg", Body=b"x")
    tomorrow = timezone.now() + td(days=1)
    assert orphans.remove_from(folder, tomorrow) == 1
    assert names(bucket) == {kept.master, kept.thumb}


def test_nobody_else_is_granted_anything(
    bucket: Any, person: User, photo_of: Callable[..., Photo]
) -> None:
    grants = bucket.Object(photo_of(person).master).Acl().grants
    assert {grant["Grantee"]["Type"] for grant in grants} == {"CanonicalUser"}
