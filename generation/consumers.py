"""Sockets: on connect what is and what has just ended, then every change, in the JSON of the API.

They belong to one person, receive nothing, and end with the session.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db.models import Q
from django.urls import path
from django.utils import timezone, translation

from billing import tracing
from generation import live
from generation.models import OPEN, Job
from generation.serializers import job_json
from generation.socket_reads import in_a_thread

NOT_YOURS = 4404
SIGN_IN = 4401
STILL_KNOWN_SECONDS = 30
LATELY = timedelta(minutes=1)
BEGUN_LATELY = timedelta(minutes=15)


class Watcher(AsyncJsonWebsocketConsumer):
    """What both sockets share: who may listen, and for how long."""

    async def connect(self) -> None:
        self.groups_joined: list[str] = []
        await self.accept()
        self.user = self.scope["user"]
        if self.user is None:
            await self.close(SIGN_IN)
            return
        tracing.note(person_id=self.user.pk)
        self.checking = asyncio.ensure_future(self._close_when_unknown())
        await self.join(live.sessions_group(self.user.pk))
        await self.begin()

    async def begin(self) -> None:
        raise NotImplementedError

    async def join(self, group: str) -> None:
        self.groups_joined.append(group)
        await self.channel_layer.group_add(group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Nothing is asked of us here."""

    async def job_changed(self, event: dict[str, Any]) -> None:
        await self.send_json(event["job"])

    async def session_ended(self, _event: dict[str, Any]) -> None:
        await self._check()

    async def disconnect(self, _code: int) -> None:
        if checking := getattr(self, "checking", None):
            checking.cancel()
        for group in self.groups_joined:
            with suppress(Exception):
                await self.channel_layer.group_discard(group, self.channel_name)

    async def _close_when_unknown(self) -> None:
        while True:
            await asyncio.sleep(STILL_KNOWN_SECONDS)
            await self._check()

    async def _check(self) -> None:
        if await self.scope["still_known"]() is None:
            await self.close(SIGN_IN)


class JobWatcher(Watcher):
    """`/ws/jobs/<code>/`: one job."""

    async def begin(self) -> None:
        code = self.scope["url_route"]["kwargs"]["code"]
        # Listen first, then look: a change in between is told twice rather than never.
        await self.join(live.job_group(code))
        state = await current_jobs(self.user, Q(code=code))
        if not state:
            await self.close(NOT_YOURS)
            return
        await self.send_json(state[0])


class PersonWatcher(Watcher):
    """`/ws/me/`: all open jobs of a person, and whatever begins later.

    What has just ended is told too: it may have ended while this page was between two sockets.
    """

    async def begin(self) -> None:
        await self.join(live.person_group(self.user.pk))
        for state in await current_jobs(self.user, Q(state__in=OPEN) | ended_lately()):
            await self.send_json(state)


def ended_lately() -> Q:
    """By the index of a person's newest jobs; whatever waited longer a page asks for."""
    now = timezone.now()
    return Q(created_at__gte=now - BEGUN_LATELY, finished_at__gte=now - LATELY)


@in_a_thread
def current_jobs(user: Any, which: Q) -> list[dict[str, Any]]:
    jobs = Job.objects.filter(which, owner=user).prefetch_related("results", "inputs__photo")
    with translation.override(user.language):
        return [job_json(job) for job in jobs.order_by("pk")]


routes = [
    path("ws/jobs/<uuid:code>/", JobWatcher.as_asgi()),
    path("ws/me/", PersonWatcher.as_asgi()),
]
