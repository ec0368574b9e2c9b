"""Backups in a bucket: a server that speaks S3, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from aibot.backups import manifest, pool, sealing, taking
from aibot.backups.problem import Damaged
from aibot.bucket import storage
from generation import photos
from telegram_integration.models import User
from tests.pictures import picture_file

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}


@pytest.fixture
def bucket(settings: Any, tmp_path: Path) -> Iterator[Any]:
    """An empty one, where backups lie; the secret key is in ``key.txt``."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    where = {"endpoint_url": f"http://{host}:{port}", "region_name": "us-east-1",
             "access_key": "key", "secret_key": "secret"}  # fmt: skip
    settings.STORAGES = {**settings.STORAGES, "backups": storage("backups", where, "auto")}
    settings.DATA_DIR = tmp_path
    secret, public = sealing.new_pair()
    (tmp_path / "key.txt").write_text(secret)
    settings.BACKUP_KEY = [public]
    client = boto3.resource(
        "s3", endpoint_url=where["endpoint_url"], region_name="us-east-1", **KEYS
    )
    yield client.create_bucket(Bucket="backups")
    server.stop()


def test_a_backup_lies_in_the_bucket_opens_and_goes(
    bucket: Any, person: User, tmp_path: Path
) -> None:
    photo = photos.ingest(person.pk, picture_file())
    made = taking.check(taking.take().stamp)
    lies = {one.key for one in bucket.objects.all()}
    parts = {made.name(name) for name in (*made.parts, manifest.FILE)}
    assert lies == parts | {pool.sealed(photo.master), pool.sealed(photo.thumb)}
    opened, secrets = BytesIO(), sealing.identities(tmp_path / "key.txt")
    sealing.unseal(pool.sealed(photo.master), opened, secrets)
    assert opened.getvalue() == photos.read(photo)
    sealing.unseal(made.name(taking.DATABASE), BytesIO(), secrets)
    taking.remove(made.stamp)
    assert manifest.complete() == []


def test_what_is_missing_or_changed_in_the_bucket_is_found(bucket: Any, person: User) -> None:
    made = taking.take()
    dump = bucket.Object(made.name(taking.DATABASE))
    dump.put(Body=dump.get()["Body"].read()[:-1] + b"x")
    with pytest.raises(Damaged, match="was changed"):
        taking.check(made.stamp)
    dump.delete()
    with pytest.raises(Damaged, match="is missing"):
        taking.check(made.stamp)
