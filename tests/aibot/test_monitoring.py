"""Rules and dashboards speak only of numbers that there are, and the files fit together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta as td
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from django.utils import timezone

from billing import payments
from billing.models import Audit, Payment
from generation import alerts, studio, tasks, worker
from generation.models import Attempt, Job, ProviderSetting
from telegram_integration.models import Lease, User
from tests.aibot.test_metrics import Numbers, read
from tests.billing.buying import buy
from tests.conftest import Obedient

DOCKER = Path(__file__).parents[2] / "docker"
MONITORING = DOCKER / "monitoring"
DASHBOARD = MONITORING / "grafana" / "dashboards" / "studio.json"
OF_OTHERS = ("up", "node_", "container_", "pg_", "redis_")
"""What Prometheus itself and the exporters of compose.monitoring.yml tell."""
NAME = re.compile(r"\b((?:studio|node|container|pg|redis)_\w+|up)\b(?:\{([^}]*)\})?")
LABEL = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [one for one in json.loads(DASHBOARD.read_text())["panels"] if one["type"] != "row"]


def expressions() -> list[str]:
    drawn = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [rule["expr"] for rule in rules()] + drawn


def told_of(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each number in it, with the labels by which it is chosen."""
    for name, chosen in NAME.findall(expression):
        yield name, set(LABEL.findall(chosen))


@pytest.fixture
def numbers(client: Client, person: User, provider: Obedient, settings: Any) -> Numbers:
    """Everything that /metrics can say, with a row behind each number."""
    settings.DEBUG, settings.BACKUP_KEY = True, ["k" * 44]
    studio.imagine(person.pk, prompt="a sea")
    worker.work()
    Job.objects.update(cost=Decimal(2))
    payments.refund(buy(person, "basic"), Decimal(1), "sorry")
    Payment.objects.update(test=False)
    Audit.objects.create(sort="ledger", ended_at=timezone.now())
    Lease.objects.create(name="bot:1", holder="x", until=timezone.now() + td(seconds=9))
    Attempt.objects.create(job=Job.objects.get(), provider="kie", outcome="done")
    ProviderSetting.objects.update_or_create(name="kie", defaults={"balance": Decimal(5)})
    tasks.say_present()
    alerts.raise_alert("provider:kie:retired", "gone")
    client.get("/livez")
    return read(client)


@pytest.mark.django_db
def test_every_number_that_is_drawn_or_judged_is_there_with_its_labels(numbers: Numbers) -> None:
    asked = [one for expression in expressions() for one in told_of(expression)]
    ours = [(name, labels) for name, labels in asked if name.startswith("studio_")]
    assert len(ours) > 60
    assert {name for name, _labels in ours} - set(numbers) == set()
    for name, labels in ours:
        there = {label for series in numbers[name] for label, _value in series}
        assert labels <= there, name


@pytest.mark.django_db
def test_every_number_of_ours_is_drawn_somewhere(numbers: Numbers) -> None:
    drawn = {name for expression in expressions() for name, _labels in told_of(expression)}
    ours = {name for name in numbers if name.startswith("studio_")}
    of_library = re.compile(r"_created$|_bucket$|_count$|_sum$")
    assert {name for name in ours - drawn if not of_library.search(name)} == set()


def test_numbers_of_others_come_from_an_exporter_that_is_asked() -> None:
    others = {name for one in expressions() for name, _labels in told_of(one)}
    assert {name for name in others if not name.startswith(("studio_", *OF_OTHERS))} == set()
    jobs = yaml.safe_load((MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    assert {job["job_name"] for job in jobs} == {
        "studio", "node", "containers", "postgres", "redis",
    }  # fmt: skip


def test_expressions_are_closed_and_rules_say_what_to_do() -> None:
    for expression in expressions():
        for opening, closing in ("()", "[]", "{}"):
            assert expression.count(opening) == expression.count(closing), expression
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "fix"}
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))


def test_panels_have_names_of_their_own_and_the_one_source() -> None:
    sources = yaml.safe_load(
        (MONITORING / "grafana/provisioning/datasources/prometheus.yml").read_text()
    )["datasources"]
    titles = [panel["title"] for panel in panels()]
    assert len(titles) == len(set(titles)) > 30
    assert {panel["datasource"]["uid"] for panel in panels()} == {sources[0]["uid"]}
    numbers = [panel["id"] for panel in json.loads(DASHBOARD.read_text())["panels"]]
    assert len(numbers) == len(set(numbers))


def test_the_services_are_pinned_and_no_stranger_reaches_them() -> None:
    services = yaml.safe_load((DOCKER / "compose.monitoring.yml").read_text())["services"]
    for name, service in services.items():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        for volume in service.get("volumes", []):
            where = volume.partition(":")[0]
            assert not where.startswith("./") or (DOCKER / where).exists(), volume
    stores = yaml.safe_load((DOCKER / "compose.prod.yml").read_text())["networks"]
    assert {n for one in services.values() for n in one.get("networks", ["default"])} <= set(stores)
    asked = {"node-exporter", "cadvisor", "postgres-exporter", "redis-exporter", "alertmanager"}
    assert asked < set(services)


def test_the_outside_alerts_go_to_the_owner() -> None:
    text = (MONITORING / "alertmanager.yml").read_text().replace("@OWNER_CHAT_ID@", "5001")
    receiver = yaml.safe_load(text)["receivers"][0]["telegram_configs"][0]
    assert (receiver["chat_id"], receiver["bot_token_file"]) == (5001, "/tmp/token")
