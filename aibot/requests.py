"""Each request and each socket under a number: in the log, in the answer, in the counts."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import LazyObject
from structlog.contextvars import bound_contextvars

from aibot.logs import REQUESTS
from aibot.metrics import requests as metrics
from billing import tracing

HEADER = "X-Request-ID"
PROBES = frozenset({"/health", "/api/health", "/livez", "/readyz", "/metrics"})
"""Asked every few seconds by machines."""
WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{8,64}")
Answers = Callable[[HttpRequest], HttpResponse]
Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

logger = logging.getLogger(REQUESTS)


def traced(get_response: Answers) -> Answers:
    """Middleware, the outermost: whatever is logged or breaks within has the request's number."""

    def middleware(request: HttpRequest) -> HttpResponse:
        number, began = number_of(request.headers.get(HEADER, "")), time.perf_counter()
        with bound_contextvars(request=number, person=Asker(request)):
            response = get_response(request)
            _tell(request, response, time.perf_counter() - began)
        response[HEADER] = number
        return response

    return middleware


def number_of(given: str) -> str:
    """What our own proxy has given it, or a new one: a stranger may not choose."""
    is_trusted = settings.REST_FRAMEWORK["NUM_PROXIES"] > 0
    return given if is_trusted and WELL_FORMED.fullmatch(given) else uuid.uuid4().hex


def _tell(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """The route and never the address: an address may carry a secret, or a search for words."""
    where, status = route(request), response.status_code
    said = {"method": request.method, "route": where, "status": status}
    said |= {"seconds": round(seconds, 4)}
    metrics.count(request.method, where, status, seconds)
    level = logging.DEBUG if where in PROBES else logging.INFO
    logger.log(level, "%s %s %s", request.method, where, status, extra=said)


def route(request: HttpRequest) -> str:
    """As `urls.py` writes it; one name for all that leads nowhere."""
    match = request.resolver_match
    return f"/{match.route}" if match else "(none)"


class Asker:
    """Who asks, once somebody wants it written: only who is known by then, for nobody is looked up
    for a line in the log.

    A page's user is looked up when first asked for and then kept; an API key brings its own.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def __str__(self) -> str:
        kept = getattr(self.request, "_cached_user", None)
        user = kept or getattr(self.request, "user", None)
        is_known = user is not None and not isinstance(user, LazyObject) and user.pk
        return tracing.pseudonym(user.pk) if is_known else ""


def traced_sockets(app: Application) -> Application:
    """The same for sockets: a line when one ends, with how long it was there."""

    async def middleware(scope: dict[str, Any], receive: Any, send: Any) -> None:
        began = time.perf_counter()
        with tracing.about(request=number_of(_header(scope))):
            try:
                await app(scope, receive, send)
            finally:
                seconds = round(time.perf_counter() - began, 3)
                logger.info("a socket has ended", extra={"seconds": seconds})

    return middleware


def _header(scope: dict[str, Any]) -> str:
    name = HEADER.lower().encode()
    return next((value.decode("latin1") for key, value in scope["headers"] if key == name), "")
