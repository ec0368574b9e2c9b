"""Everything that the studio keeps of a person, as one archive: theirs to take away."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core.serializers.json import DjangoJSONEncoder

from billing import history
from billing.models import Payment
from billing.problem import Problem
from generation import photos
from generation.models import Job, Message, Photo
from generation.photos import EXTENSIONS
from telegram_integration.models import User

PIECE = 256 * 1024  # bytes
MOST_IN_MEMORY = 8 * 1024 * 1024


def archive(user: User) -> IO[bytes]:
    """A ZIP: ``data.json``, and each picture that is still kept. Close it when it is read."""
    file = tempfile.SpooledTemporaryFile(MOST_IN_MEMORY)  # noqa: SIM115 (whoever reads it closes it)
    kept = list(Photo.objects.filter(owner=user, deleted_at=None).order_by("pk"))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as zipped:
        zipped.writestr("data.json", _written(user, kept), zipfile.ZIP_DEFLATED)
        for photo in kept:
            with suppress(Problem):  # deleted since its row was read
                zipped.writestr(_name(photo), photos.read(photo))
    file.seek(0)
    return file


async def pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Under ASGI: a file that is read in the usual way would stand in memory as a whole."""
    with file:
        while piece := await sync_to_async(file.read)(PIECE):
            yield piece


def _written(user: User, kept: list[Photo]) -> str:
    return json.dumps(_data(user, kept), cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)


def _data(user: User, kept: list[Photo]) -> dict[str, Any]:
    jobs = Job.objects.filter(owner=user).order_by("pk")
    moved = history.moves(user.pk).order_by("pk")
    said = Message.objects.filter(chat__owner=user).order_by("pk")
    paid = Payment.objects.filter(account__user=user).order_by("pk")
    return {
        "person": {
            "name": str(user), "telegram_id": user.telegram_id, "language": user.language,
            "since": user.date_joined,
            "api_keys": list(user.api_keys.values_list("name", flat=True)),
        },
        "pictures": [
            {"file": _name(one), "created_at": one.created_at, "favourite": one.favourite}
            for one in kept
        ],
        "jobs": list(jobs.values(
            "code", "created_at", "tool", "state", "prompt", "zone", "seed", "model",
            "price_unit", "price_amount",
        )),
        "chats": list(said.values("created_at", "role", "text", "prompts")),
        "books": list(moved.values("created_at", "reason", "moved")),
        "payments": list(paid.values("code", "created_at", "name", "amount", "currency", "status")),
    }  # fmt: skip


def _name(photo: Photo) -> str:
    kind = "results" if photo.is_made else "photos"
    return f"{kind}/{photo.created_at:%Y-%m-%d}-{photo.code}.{EXTENSIONS[photo.mime]}"
