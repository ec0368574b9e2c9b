"""Numbers for Prometheus: right, cheap, and there even where one part cannot be read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from datetime import timedelta as td
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from aibot import metrics
from aibot.metrics import requests
from billing import payments
from billing.models import Audit, Payment, Referral
from generation import alerts, studio, tasks, worker
from generation.models import Attempt, Job, ProviderSetting
from telegram_integration import saying
from telegram_integration.models import Incoming, Lease, OutgoingMessage, User
from tests.billing.buying import buy
from tests.conftest import Obedient, make_person

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
LISTENING = re.compile("http://127.0.0.1:[0-9]+")
Numbers = dict[str, dict[frozenset[tuple[str, str]], float]]


def read(client: Client) -> Numbers:
    """Every sample by its name and labels, read anew."""
    for collector in list(metrics.registry._collector_to_names):
        collector.kept.clear()
    return parsed(client.get("/metrics").content.decode())


def parsed(text: str) -> Numbers:
    found: Numbers = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            found.setdefault(one.name, {})[frozenset(one.labels.items())] = one.value
    return found


def value(numbers: Numbers, name: str, /, **labels: str) -> float:
    return numbers[name][frozenset(labels.items())]


@pytest.fixture(autouse=True)
def _in_debug(settings: Any) -> None:
    settings.DEBUG = True


def test_jobs_are_counted_open_and_ended(client: Client, person: User, provider: Obedient) -> None:
    studio.imagine(person.pk, prompt="a sea")
    worker.work()
    Job.objects.update(cost=Decimal("2.5"), created_at=timezone.now() - td(seconds=41))
    studio.imagine(person.pk, prompt="a hill")
    numbers = read(client)
    assert value(numbers, "studio_jobs", state="queued", tool="imagine") == 1
    assert value(numbers, "studio_jobs", state="running", tool="tryon") == 0
    of = {"tool": "imagine", "provider": "obedient"}
    assert value(numbers, "studio_jobs_ended_total", state="done", **of) == 1
    assert value(numbers, "studio_job_cost_rubles_total", **of) == 2.5
    waited = value(numbers, "studio_job_seconds", tool="imagine", quantile="0.95")
    assert 40 <= waited < 100


def test_hands_are_counted_free_and_busy(client: Client, person: User, settings: Any) -> None:
    tasks.say_present()
    studio.imagine(person.pk, prompt="a sea")
    Job.objects.update(state="running", slot=0, provider="local")
    numbers = read(client)
    assert value(numbers, "studio_worker_slots", kind="here") == settings.WORKER_CONCURRENCY
    assert value(numbers, "studio_worker_slots", kind="outside") == settings.OUTSIDE_CONCURRENCY
    assert value(numbers, "studio_worker_busy", kind="here") == 1
    assert value(numbers, "studio_worker_busy", kind="outside") == 0


def test_people_are_counted_and_those_who_came(client: Client, person: User) -> None:
    make_person("tele", telegram_id=5, wrote_at=timezone.now() - td(days=3))
    make_person("old", last_login=timezone.now() - td(days=60))
    friend = make_person("friend")
    Referral.objects.create(inviter=person.account, friend=friend.account)
    studio.imagine(person.pk, prompt="a sea")
    numbers = read(client)
    assert value(numbers, "studio_people", kind="all") == 4
    assert value(numbers, "studio_people", kind="telegram") == 1
    assert [value(numbers, "studio_people_active", days=d) for d in ("1", "7", "30")] == [1, 2, 2]
    assert value(numbers, "studio_referrals", state="bound") == 1


def test_money_is_summed_without_tests_and_with_what_goes_off(client: Client, person: User) -> None:
    payment = buy(person, "basic")
    of = {"currency": "RUB", "gateway": payment.gateway, "product": "basic"}
    assert "studio_revenue_total" not in read(client)  # the sandbox only tries
    Payment.objects.update(test=False)
    payments.refund(payment, Decimal(100), "sorry")
    numbers = read(client)
    assert value(numbers, "studio_revenue_total", **of) == 299
    assert value(numbers, "studio_fees_total", **of) == float(payment.fee)
    assert value(numbers, "studio_tax_total", **of) == float(payment.tax) > 0
    assert value(numbers, "studio_refunded_total", currency="RUB") == 100
    paid = {"gateway": payment.gateway, "status": "succeeded", "test": "false"}
    assert value(numbers, "studio_payments", **paid) == 1
    assert value(numbers, "studio_plans", product="basic", renews="false") == 1
    assert value(numbers, "studio_units_left", kind="credit") == 5


def test_the_newest_audit_of_each_sort_says_what_it_found(client: Client) -> None:
    at = timezone.now() - td(hours=2)
    Audit.objects.create(sort="ledger", findings=["a", "b"], ended_at=at)
    Audit.objects.create(sort="ledger", findings=["a"], ended_at=at)
    numbers = read(client)
    assert value(numbers, "studio_audit_findings", sort="ledger") == 1
    assert 7200 <= value(numbers, "studio_audit_age_seconds", sort="ledger") < 7300


def test_what_waits_is_counted_with_its_age_and_what_is_for_later_is_not(client: Client) -> None:
    saying.say(1, "late", key="a", due_at=timezone.now() - td(seconds=90))
    saying.say(1, "later", key="b", due_at=timezone.now() + td(hours=1))
    OutgoingMessage.objects.filter(key="c").update(state="sent")
    at = timezone.now() - td(seconds=50)
    Incoming.objects.create(update_id=1, telegram_id=1, data={}, received_at=at)
    Lease.objects.create(name="bot:1", holder="x", until=timezone.now() + td(seconds=10))
    numbers = read(client)
    assert value(numbers, "studio_outbox", lane="talk") == 1
    assert 90 <= value(numbers, "studio_outbox_oldest_seconds", lane="talk") < 150
    assert value(numbers, "studio_outbox", lane="result") == 0
    assert (value(numbers, "studio_inbox"), value(numbers, "studio_untold_jobs")) == (1, 0)
    assert 0 < value(numbers, "studio_lease_seconds", name="bot:1") <= 10


def test_providers_say_who_rests_and_what_is_left(
    client: Client, person: User, provider: Obedient
) -> None:
    job = studio.imagine(person.pk, prompt="a sea")
    now = timezone.now()
    Attempt.objects.bulk_create(
        Attempt(job=job, provider="kie", outcome="transient", ended_at=now) for _ in range(5)
    )
    ProviderSetting.objects.update_or_create(name="kie", defaults={"balance": Decimal("12.5")})
    alerts.raise_alert("provider:kie:retired", "gone")
    numbers = read(client)
    assert value(numbers, "studio_provider_resting", provider="kie") == 1
    assert value(numbers, "studio_provider_balance", provider="kie") == 12.5
    assert value(numbers, "studio_provider_orders", provider="kie", outcome="transient") == 5
    assert value(numbers, "studio_open_alerts", key="provider:kie:retired") == 1


def test_a_part_that_cannot_be_read_says_so_and_the_others_are_there(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> list[Any]:
        raise OperationalError("gone")

    monkeypatch.setitem(metrics.PARTS, "money", (broken, 0))
    numbers = read(client)
    assert value(numbers, "studio_metrics_failed", part="money") == 1
    assert value(numbers, "studio_metrics_failed", part="people") == 0
    assert "studio_people" in numbers


def test_what_was_just_read_is_not_read_again(
    client: Client, django_assert_num_queries: Any
) -> None:
    read(client)
    with django_assert_num_queries(0):
        client.get("/metrics")


def test_answers_are_counted_by_route_and_a_stranger_makes_no_new_series(client: Client) -> None:
    before = parsed(requests.text().decode()).get("studio_http_requests_total", {})
    lost = frozenset({"method": "GET", "route": "(none)", "status": "404"}.items())
    client.get("/nowhere/at/all/")
    client.get("/somewhere/else/")
    client.generic("BREW", "/coffee/")
    after = parsed(requests.text().decode())["studio_http_requests_total"]
    assert after[lost] - before.get(lost, 0) == 2
    assert not [of for of in after if "coffee" in str(of) or "BREW" in str(of)]


def test_any_worker_of_gunicorn_answers_for_all(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "ENV_FILE": "/dev/null", "DATA_DIR": str(tmp_path)}
    env |= {"DRAIN_SECONDS": "0", "LOG_LEVEL": "INFO"}
    command = [sys.executable, "-m", "gunicorn", "aibot.wsgi", "--bind=127.0.0.1:0", "-w2"]
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True) as server:
        try:
            address = next(filter(None, map(LISTENING.search, server.stderr)))[0]
            for _request in range(40):
                fetched(address + "/livez")
            of = frozenset({"method": "GET", "route": "/livez", "status": "200"}.items())
            assert parsed(fetched(address + "/metrics"))["studio_http_requests_total"][of] == 40
        finally:
            server.terminate()
            server.stderr.read()


def fetched(address: str) -> str:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read().decode()
