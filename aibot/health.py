"""Is it well? Every answer comes from doing the thing, never from a constant."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from datetime import timedelta as td
from functools import partial

import redis
from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import resolve
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from aibot import draining
from aibot.metrics import registry, requests
from billing.replica import from_replica
from generation.models import Heartbeat

logger = logging.getLogger(__name__)

LATE = td(seconds=30)
REDIS_SECONDS = 2
MACHINES = frozenset({"/livez", "/readyz", "/metrics"})


def database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "connected"


def redis_servers() -> str:
    """Every Redis that is configured answers a ping; ``embedded`` where none is."""
    used = ",".join([settings.BROKER_URL, settings.CHANNELS_URL, settings.CACHE_URL])
    urls = {url for url in used.split(",") if url}
    for url in urls:
        with redis.Redis.from_url(
            url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        ) as server:
            server.ping()
    return "connected" if urls else "embedded"


def queue(name: str) -> str:
    """A task went through this queue lately and wrote its row."""
    return _lately(f"canary:{name}")


def beat() -> str:
    """The clock ticked lately."""
    return _lately("beat")


def bot() -> str:
    """The bot's process wrote its row lately; ``off`` where none is to run."""
    return "off" if settings.TELEGRAM_MODE == "off" else _lately("bot")


def _lately(name: str) -> str:
    since = timezone.now() - LATE
    if not Heartbeat.objects.filter(name=name, beat_at__gt=since).exists():
        raise RuntimeError("no sign of life")
    return "connected"


PROBES: dict[str, Callable[[], str]] = {
    "database": database,
    "redis": redis_servers,
    **{f"worker:{one.name}": partial(queue, one.name) for one in settings.CELERY_TASK_QUEUES},
    "beat": beat,
    "bot": bot,
}


def machines(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: supervisors, balancers and Prometheus ask a process by whatever address it has,
    so no name is demanded of them, and no session or language is looked for."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info not in MACHINES:
            return get_response(request)
        request.resolver_match = match = resolve(request.path_info)
        return match.func(request)

    return middleware


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """The whole studio: 200, or 503 that names the part which fails."""
    return _answer(PROBES)


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether this process can serve, and for longer than a moment: what a load balancer asks."""
    if draining.has_begun():
        return JsonResponse({"status": "draining", **_build()}, status=503)
    return _answer({name: PROBES[name] for name in ("database", "redis")})


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """Whether this process answers at all: what a supervisor asks."""
    return JsonResponse({"status": "alive", **_build()})


@require_safe
@from_replica
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus, which brings METRICS_TOKEN; without one only in debug."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    allowed = settings.METRICS_TOKEN and hmac.compare_digest(
        given.encode(), settings.METRICS_TOKEN.encode()
    )
    if not (allowed or (settings.DEBUG and not settings.METRICS_TOKEN)):
        raise Http404
    numbers = generate_latest(registry) + requests.text()
    return HttpResponse(numbers, content_type=CONTENT_TYPE_LATEST)


def _build() -> dict[str, str]:
    return {"version": settings.VERSION, "commit": settings.COMMIT}


def _answer(probes: dict[str, Callable[[], str]]) -> JsonResponse:
    parts: dict[str, str] = {}
    well = True
    for name, probe in probes.items():
        try:
            parts[name] = probe()
        except Exception as error:
            logger.warning("%s is not well: %s", name, type(error).__name__)
            parts[name], well = "failing", False
    body = {"status": "healthy" if well else "unhealthy", **_build(), **parts}
    response = JsonResponse(body, status=200 if well else 503)
    response["Cache-Control"] = "no-store"
    return response
