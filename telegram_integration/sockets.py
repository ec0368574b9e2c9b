"""Who may open a socket: a signed-in page of ours, or a client with an API key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest
from django.http.request import validate_host

from generation.socket_reads import in_a_thread
from telegram_integration.api_keys import find_key
from telegram_integration.models import User

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


def known_people_only(app: Application) -> Application:
    """Puts ``user`` and ``still_known`` into the scope.

    A browser sends an Origin, which must be ours: a foreign page would ride on the cookie. A client
    without an Origin must bring a key, for which there is nothing to ride on.
    """

    async def middleware(scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = {
            name.decode("latin1"): value.decode("latin1") for name, value in scope["headers"]
        }
        if origin := headers.get("origin"):
            identify = _by_session(scope) if _is_ours(origin) else _nobody
        else:
            identify = _by_key(headers.get("authorization", ""))
        user = await identify()
        await app({**scope, "user": user, "still_known": identify}, receive, send)

    return middleware


def _is_ours(origin: str) -> bool:
    return validate_host(urlsplit(origin).hostname or "", settings.ALLOWED_HOSTS)


async def _nobody() -> User | None:
    return None


def _by_session(scope: dict[str, Any]) -> Callable[[], Awaitable[User | None]]:
    """Reads the session anew at each call, so that one that has ended is noticed."""

    @in_a_thread
    def identify() -> User | None:
        session = type(scope["session"]._wrapped)(scope["session"].session_key)
        user = auth.get_user(cast(HttpRequest, SimpleNamespace(session=session)))
        return user if user.is_authenticated else None

    return identify


def _by_key(header: str) -> Callable[[], Awaitable[User | None]]:
    @in_a_thread
    def identify() -> User | None:
        key = find_key(header)
        return key.user if key else None

    return identify
