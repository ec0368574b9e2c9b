"""Sockets: the state on connect, then every change; for the owner only, while the session lasts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client
from django.utils import timezone

from aibot.asgi import application
from generation import consumers, live, queue, studio, worker
from generation.models import Job
from telegram_integration.models import ApiKey, User
from tests.conftest import make_person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("provider")]

OURS = "http://127.0.0.1:8000"


def socket(path: str, user: User | None = None, origin: str | None = OURS, key: str = "") -> Any:
    headers = [(b"host", b"127.0.0.1:8000")]
    if origin:
        headers.append((b"origin", origin.encode()))
    if key:
        headers.append((b"authorization", f"Bearer {key}".encode()))
    if user:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={session_of(user)}".encode()))
    return WebsocketCommunicator(application, path, headers=headers)


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.session.session_key


@pytest.fixture
def job() -> Job:
    return studio.imagine(make_person("ann").pk, prompt="a sea")


async def closed_with(ws: Any) -> int:
    assert (await ws.connect(timeout=5))[0]
    return (await ws.receive_output(timeout=5))["code"]


async def test_a_job_is_watched_from_the_queue_to_the_picture(job: Job) -> None:
    ws = await sync_to_async(socket)(f"/ws/jobs/{job.code}/", job.owner)
    await ws.connect(timeout=5)
    assert (await ws.receive_json_from(timeout=5))["state"] == "queued"
    await sync_to_async(worker.work)()
    seen = []
    while not seen or seen[-1]["state"] != "done":
        seen.append(await ws.receive_json_from(timeout=5))
    assert [message["state"] for message in seen[:1]] == ["running"]
    assert seen[-1]["results"][0]["url"].startswith("/api/v1/photos/")
    versions = [message["version"] for message in seen]
    assert versions == sorted(set(versions))
    await ws.disconnect()


async def test_all_of_a_persons_jobs_come_through_one_socket(job: Job) -> None:
    ws = await sync_to_async(socket)("/ws/me/", job.owner)
    await ws.connect(timeout=5)
    assert (await ws.receive_json_from(timeout=5))["code"] == str(job.code)
    second = await sync_to_async(studio.imagine)(job.owner_id, prompt="a lake")
    assert (await ws.receive_json_from(timeout=5))["code"] == str(second.code)
    await ws.disconnect()


async def test_a_page_between_two_sockets_misses_no_end(job: Job) -> None:
    long_ago = await sync_to_async(studio.imagine)(job.owner_id, prompt="a lake")
    await sync_to_async(worker.work)()
    await sync_to_async(worker.work)()
    earlier = timezone.now() - consumers.LATELY
    await Job.objects.filter(pk=long_ago.pk).aupdate(finished_at=earlier)
    ws = await sync_to_async(socket)("/ws/me/", job.owner)
    await ws.connect(timeout=5)
    told = await ws.receive_json_from(timeout=5)
    assert (told["code"], told["state"]) == (str(job.code), "done")
    assert await ws.receive_nothing(timeout=0.2)
    await ws.disconnect()


async def test_a_socket_says_what_the_api_says(job: Job, client: Client) -> None:
    ws = await sync_to_async(socket)(f"/ws/jobs/{job.code}/", job.owner)
    await ws.connect(timeout=5)
    pushed = await ws.receive_json_from(timeout=5)
    await sync_to_async(client.force_login)(job.owner)
    asked = await sync_to_async(client.get)(f"/api/v1/jobs/{job.code}/")
    assert pushed == asked.json()
    await ws.disconnect()


async def test_strangers_and_nobodies_are_sent_away(job: Job) -> None:
    stranger = await sync_to_async(make_person)("bob")
    path = f"/ws/jobs/{job.code}/"
    assert await closed_with(await sync_to_async(socket)(path, stranger)) == consumers.NOT_YOURS
    assert await closed_with(await sync_to_async(socket)(path)) == consumers.SIGN_IN


async def test_a_foreign_page_cannot_ride_on_the_cookie(job: Job) -> None:
    path = f"/ws/jobs/{job.code}/"
    evil = await sync_to_async(socket)(path, job.owner, origin="https://evil.example")
    assert await closed_with(evil) == consumers.SIGN_IN
    cookie_without_origin = await sync_to_async(socket)(path, job.owner, origin=None)
    assert await closed_with(cookie_without_origin) == consumers.SIGN_IN


async def test_a_client_with_a_key_may_watch(job: Job) -> None:
    _row, text = await sync_to_async(ApiKey.make)(job.owner, "test")
    ws = socket(f"/ws/jobs/{job.code}/", origin=None, key=text)
    await ws.connect(timeout=5)
    assert (await ws.receive_json_from(timeout=5))["code"] == str(job.code)
    await ws.disconnect()


async def test_what_a_client_sends_changes_nothing(job: Job) -> None:
    ws = await sync_to_async(socket)(f"/ws/jobs/{job.code}/", job.owner)
    await ws.connect(timeout=5)
    await ws.receive_json_from(timeout=5)
    await ws.send_to(text_data="{not json")
    assert await ws.receive_nothing(timeout=0.1)
    await ws.disconnect()


async def test_signing_out_closes_the_socket(job: Job) -> None:
    client = Client()
    await sync_to_async(client.force_login)(job.owner)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies['sessionid'].value}".encode()
    headers = [(b"origin", OURS.encode()), (b"cookie", cookie)]
    ws = WebsocketCommunicator(application, "/ws/me/", headers=headers)
    await ws.connect(timeout=5)
    await ws.receive_json_from(timeout=5)
    await sync_to_async(client.delete)("/api/v1/session/")
    assert (await ws.receive_output(timeout=5))["code"] == consumers.SIGN_IN


async def test_a_session_that_ran_out_closes_the_socket(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "STILL_KNOWN_SECONDS", 0.05)
    client = Client()
    await sync_to_async(client.force_login)(job.owner)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies['sessionid'].value}".encode()
    headers = [(b"origin", OURS.encode()), (b"cookie", cookie)]
    ws = WebsocketCommunicator(application, "/ws/me/", headers=headers)
    await ws.connect(timeout=5)
    await ws.receive_json_from(timeout=5)
    await sync_to_async(client.session.flush)()
    assert (await ws.receive_output(timeout=5))["code"] == consumers.SIGN_IN


def test_a_broken_layer_breaks_no_job(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ConnectionError

    monkeypatch.setattr(live, "get_channel_layer", broken)
    assert worker.work()
    assert Job.objects.get().state == "done"


def test_words_are_in_the_owners_language(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(live, "_send", lambda _group, message: said.append(message))
    User.objects.update(language="ru")
    Job.objects.update(deadline_at=timezone.now())
    queue.sweep()
    assert "Nothing was charged" not in said[0]["job"]["error"]["message"]


async def test_a_push_from_a_worker_thread_arrives_at_once() -> None:
    """The loop that listens sleeps; the layer has to wake it."""
    from aibot.channel_layer import ThreadSafeChannelLayer

    layer = ThreadSafeChannelLayer()
    channel = await layer.new_channel()
    await layer.group_add("job.1", channel)

    def from_thread() -> None:
        asyncio.run(layer.group_send("job.1", {"type": "job.changed"}))

    listening = asyncio.ensure_future(layer.receive(channel))
    await asyncio.to_thread(from_thread)
    assert (await asyncio.wait_for(listening, 1))["type"] == "job.changed"
