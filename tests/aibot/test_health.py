"""Health comes from doing the thing: break a part and it is named."""

from __future__ import annotations

from datetime import timedelta as td
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from aibot import health
from aibot.celery import app as celery_app
from aibot.clock import Clock
from generation import tasks
from generation.models import Heartbeat

pytestmark = pytest.mark.django_db


def parts(client: Client, path: str = "/health") -> tuple[int, dict[str, str]]:
    answer = client.get(path)
    return answer.status_code, answer.json()


def all_beat() -> None:
    for name in ("pictures", "chores"):
        tasks.canary.apply(routing_key=name)
    Clock(celery_app, lazy=True).beat()


@pytest.mark.parametrize("path", ["/health", "/api/health"])
def test_a_studio_at_work_is_healthy(client: Client, path: str, settings: Any) -> None:
    all_beat()
    code, said = parts(client, path)
    assert code == 200
    assert said["redis"] == ("connected" if settings.REDIS_URL else "embedded")
    assert {**said, "redis": ""} == {
        "status": "healthy", "version": settings.VERSION, "commit": settings.COMMIT,
        "database": "connected", "redis": "", "bot": "off",
        "worker:pictures": "connected", "worker:chores": "connected", "beat": "connected",
    }  # fmt: skip


def test_a_worker_that_was_never_heard_of_is_named(client: Client) -> None:
    code, said = parts(client)
    assert (code, said["status"], said["worker:pictures"]) == (503, "unhealthy", "failing")
    assert said["database"] == "connected"


@pytest.mark.parametrize(
    ("row", "part"),
    [("canary:pictures", "worker:pictures"), ("canary:chores", "worker:chores"), ("beat", "beat")],
)
def test_whoever_is_late_is_named_and_no_other(client: Client, row: str, part: str) -> None:
    all_beat()
    Heartbeat.objects.filter(name=row).update(beat_at=timezone.now() - td(seconds=31))
    code, said = parts(client)
    assert code == 503
    assert [name for name, state in said.items() if state == "failing"] == [part]


def test_a_redis_that_does_not_answer_is_named(client: Client, settings: Any) -> None:
    all_beat()
    settings.BROKER_URL = "redis://:hidden@127.0.0.1:1/0"
    code, said = parts(client)
    assert (code, said["redis"], said["beat"]) == (503, "failing", "connected")
    assert "hidden" not in str(said)


def test_a_database_that_is_gone_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> str:
        raise OperationalError("password=hidden")

    monkeypatch.setitem(health.PROBES, "database", gone)
    code, said = parts(client, "/readyz")
    assert (code, said["database"]) == (503, "failing")
    assert "hidden" not in str(said)


def test_readiness_asks_what_a_page_needs(client: Client) -> None:
    code, said = parts(client, "/readyz")
    assert code == 200
    assert "beat" not in said


def test_a_live_process_answers_without_asking_anybody(
    client: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert parts(client, "/livez")[0] == 200


def test_outside_debug_metrics_need_their_token(client: Client, settings: Any) -> None:
    settings.DEBUG, settings.METRICS_TOKEN = False, "t0ken"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer t0ken"}).status_code == 200
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics").status_code == 404


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_machines_ask_by_whatever_address_a_process_has(
    client: Client, settings: Any, path: str
) -> None:
    settings.ALLOWED_HOSTS, settings.METRICS_TOKEN = ["studio.example"], "t0ken"
    headers = {"host": "10.0.0.7:8000", "authorization": "Bearer t0ken"}
    assert client.get(path, headers=headers).status_code == 200
    assert client.get("/", headers=headers).status_code == 400
