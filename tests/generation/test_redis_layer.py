"""Sockets on Redis: an idle one still hears, and hears in order."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings

from aibot.asgi import application
from generation import live, studio
from generation.models import Job
from telegram_integration.models import ApiKey
from tests.conftest import make_person

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("provider"),
    pytest.mark.skipif(not settings.CHANNELS_URL, reason="needs Redis: set REDIS_URL"),
]

IDLE_SECONDS = 7


@pytest.fixture
def job() -> Job:
    return studio.imagine(make_person("ann").pk, prompt="a sea")


async def watch(job: Job) -> WebsocketCommunicator:
    _row, key = await sync_to_async(ApiKey.make)(job.owner, "test")
    headers = [(b"authorization", f"Bearer {key}".encode()), (b"host", b"127.0.0.1")]
    ws = WebsocketCommunicator(application, f"/ws/jobs/{job.code}/", headers=headers)
    await ws.connect(timeout=5)
    assert (await ws.receive_json_from(timeout=5))["state"] == "queued"
    return ws


async def test_a_socket_that_idled_still_hears(job: Job) -> None:
    """redis-py 8 ends reads after five seconds; the layer must not stop listening for that."""
    ws = await watch(job)
    assert "Redis" in type(get_channel_layer()).__name__
    await asyncio.sleep(IDLE_SECONDS)
    await sync_to_async(studio.cancel)(job)
    assert (await ws.receive_json_from(timeout=2))["state"] == "cancelled"
    await ws.disconnect()


async def test_what_is_said_in_a_row_is_heard_in_order(job: Job) -> None:
    ws = await watch(job)
    for percent in range(10, 60, 5):
        job.percent = percent
        await sync_to_async(live.announce)(job)
    heard = [(await ws.receive_json_from(timeout=2))["percent"] for _message in range(10)]
    assert heard == list(range(10, 60, 5))
    await ws.disconnect()
