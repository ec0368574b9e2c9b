"""What is theirs: taken away as one archive, erased at once; and the pages that say so."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import AsyncClient, Client

from billing.audit import findings
from generation import photos, studio, worker
from generation.models import Photo
from telegram_integration import export
from telegram_integration.models import ApiKey, User
from tests.conftest import Obedient

pytestmark = pytest.mark.django_db
ARCHIVE, ERASE = "/api/v1/me/archive/", "/api/v1/me/erase/"


def opened(body: bytes) -> tuple[dict[str, Any], zipfile.ZipFile]:
    zipped = zipfile.ZipFile(io.BytesIO(body))
    return json.loads(zipped.read("data.json")), zipped


@pytest.fixture
def with_a_picture(person: User, photo_of: Callable[..., Photo], provider: Obedient) -> User:
    studio.edit(person.pk, base=photo_of(person), prompt="make it warmer")
    worker.work()
    return person


def test_the_archive_holds_everything(
    with_a_picture: User, signed_in: Callable[[User], Client]
) -> None:
    answer = signed_in(with_a_picture).get(ARCHIVE)
    assert answer["Content-Disposition"].startswith('attachment; filename="studio-')
    data, zipped = opened(b"".join(answer.streaming_content))
    assert [job["prompt"] for job in data["jobs"]] == ["make it warmer"]
    assert [move["moved"] for move in data["books"]] == [5, -1]
    kept = {photos.read(one) for one in Photo.objects.filter(owner=with_a_picture)}
    assert {zipped.read(one["file"]) for one in data["pictures"]} == kept
    assert len(kept) == 2


def test_nothing_of_others_is_in_it(
    with_a_picture: User, stranger: User, signed_in: Callable[[User], Client]
) -> None:
    data, zipped = opened(b"".join(signed_in(stranger).get(ARCHIVE).streaming_content))
    assert (data["jobs"], data["pictures"], zipped.namelist()) == ([], [], ["data.json"])


def test_in_one_process_it_is_handed_over_in_pieces(
    with_a_picture: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PIECE", 1000)

    async def read() -> list[bytes]:
        return [piece async for piece in export.pieces(io.BytesIO(b"x" * 2500))]

    assert [len(piece) for piece in asyncio.run(read())] == [1000, 1000, 500]


@pytest.mark.django_db(transaction=True)
async def test_the_other_door_serves_it_too(with_a_picture: User) -> None:
    client = AsyncClient()
    await client.aforce_login(with_a_picture)
    answer = await client.get(ARCHIVE)
    data, _zipped = opened(b"".join([piece async for piece in answer.streaming_content]))
    assert len(data["pictures"]) == 2


def test_everything_is_erased_and_the_books_balance(
    with_a_picture: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(with_a_picture)
    assert client.post(ERASE).status_code == 204
    assert client.get("/profile/").status_code == 302
    assert not Photo.objects.filter(owner=with_a_picture, deleted_at=None).exists()
    with_a_picture.refresh_from_db()
    assert (with_a_picture.is_active, with_a_picture.first_name) == (False, "")
    assert findings() == []


def test_staff_are_not_erased_by_a_slip(
    django_user_model: type[User], signed_in: Callable[[User], Client]
) -> None:
    boss = django_user_model.objects.create_superuser("boss")
    answer = signed_in(boss).post(ERASE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "staff_stay")
    assert ERASE not in signed_in(boss).get("/profile/").content.decode()


@pytest.mark.parametrize(("method", "path"), [("get", ARCHIVE), ("post", ERASE)])
def test_a_key_can_do_neither(client: Client, person: User, method: str, path: str) -> None:
    _row, key = ApiKey.make(person, "script")
    answer = getattr(client, method)(path, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401
    person.refresh_from_db()
    assert person.is_active


@pytest.mark.parametrize("page", ["help", "terms", "privacy"])
def test_everybody_can_read_what_the_studio_does(client: Client, settings: Any, page: str) -> None:
    settings.SUPPORT_CONTACT = "help@studio.example"
    answer = client.get(f"/{page}/")
    assert answer.status_code == 200
    assert ("help@studio.example" in answer.content.decode()) == (page != "terms")
