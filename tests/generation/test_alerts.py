"""What needs the owner is said once, stays open until it is well, and never names a key."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from generation import alerts, studio, worker
from generation.models import Alert
from generation.providers.base import Done, ProviderError
from telegram_integration.models import User
from tests.conftest import Obedient, picture_file

pytestmark = pytest.mark.django_db

KEY = "provider:obedient:no_credits"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("staff"))
    return client


def test_it_is_logged_once_and_counted_after(caplog: pytest.LogCaptureFixture) -> None:
    for words in ("empty", "still empty", "empty for hours"):
        alerts.raise_alert(KEY, words)
    alert = Alert.objects.get()
    assert (alert.times, alert.text, alert.cleared_at) == (3, "empty for hours", None)
    assert alert.seen_at > alert.created_at
    assert [r.levelno for r in caplog.records if KEY in r.message] == [logging.ERROR]


def test_what_was_cleared_opens_anew() -> None:
    alerts.raise_alert(KEY, "empty")
    alerts.clear(KEY, "provider:other:no_credits")
    assert Alert.objects.filter(cleared_at=None).count() == 0
    alerts.raise_alert(KEY, "empty again")
    assert list(Alert.objects.values_list("text", "times")) == [("empty again", 1), ("empty", 1)]


def test_the_database_refuses_a_second_open_one() -> None:
    Alert.objects.create(key=KEY, text="a")
    with pytest.raises(IntegrityError):
        Alert.objects.create(key=KEY, text="b")


def test_a_race_to_open_it_counts_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, looks = alerts._seen_again, []

    def first_look_finds_nothing(key: str, text: str) -> bool:
        looks.append(key)
        return seen(key, text) if len(looks) > 1 else False

    Alert.objects.create(key=KEY, text="a")
    monkeypatch.setattr(alerts, "_seen_again", first_look_finds_nothing)
    alerts.raise_alert(KEY, "b")
    assert Alert.objects.get().times == 2


@pytest.mark.parametrize("code", ["no_credits", "misconfigured"])
def test_an_order_that_ends_so_raises_it_and_a_done_one_clears_it(
    person: User, provider: Obedient, code: str
) -> None:
    provider.answer = ProviderError(code, "the vendor's words")
    studio.imagine(person.pk, prompt="a sea")
    worker.work()
    alert = Alert.objects.get(cleared_at=None)
    assert (alert.key, alert.text) == (f"provider:obedient:{code}", "the vendor's words")
    provider.answer = Done((picture_file("coral"),))
    studio.imagine(person.pk, prompt="a sea")
    worker.work()
    alert.refresh_from_db()
    assert alert.cleared_at is not None


@pytest.mark.parametrize("code", ["transient", "rate_limited", "policy", "invalid_input"])
def test_what_passes_or_is_the_persons_own_raises_nothing(
    person: User, provider: Obedient, code: str
) -> None:
    provider.answer = ProviderError(code, "busy")
    studio.imagine(person.pk, prompt="a sea")
    worker.work()
    assert not Alert.objects.exists()


def test_a_vendor_that_repeats_our_key_does_not_get_it_written_down(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PROVIDER_KEYS = {"kie": "sk-secret-1", "other": ""}
    alerts.raise_alert(KEY, "Incorrect key\r\n sk-secret-1" + " long" * 500)
    text = Alert.objects.get().text
    assert text.startswith("Incorrect key … long")
    assert len(text) <= alerts.TEXT_CHARACTERS
    assert "sk-secret-1" not in caplog.text


def test_the_first_page_of_the_admin_says_what_to_do(staff: Client) -> None:
    assert "needs-you" not in staff.get("/admin/").content.decode()
    alerts.raise_alert(KEY, "<b>pay</b> us")
    page = staff.get("/admin/").content.decode()
    assert KEY in page
    assert "&lt;b&gt;pay&lt;/b&gt; us" in page
    assert str(alerts.FIXES["no_credits"]) in page
    alerts.clear(KEY)
    assert "needs-you" not in staff.get("/admin/").content.decode()


def test_staff_without_the_right_see_no_alert(client: Client) -> None:
    client.force_login(User.objects.create_user("helper", is_staff=True))
    alerts.raise_alert(KEY, "empty")
    assert KEY not in client.get("/admin/").content.decode()


def test_staff_say_that_it_has_been_put_right(staff: Client) -> None:
    alerts.raise_alert(KEY, "empty")
    alert = Alert.objects.get()
    page = staff.get(reverse("admin:generation_alert_change", args=[alert.pk]))
    assert str(alerts.FIXES["no_credits"]) in page.content.decode()
    address = reverse("admin:generation_alert_changelist")
    staff.post(address, {"action": "put_right", "_selected_action": [alert.pk]})
    alert.refresh_from_db()
    assert alert.cleared_at is not None


def test_metrics_count_the_open_ones(client: Client, settings: Any) -> None:
    settings.DEBUG, settings.METRICS_TOKEN = True, ""
    alerts.raise_alert(KEY, "empty")
    alerts.raise_alert(KEY, "empty")
    alerts.raise_alert("provider:kie:retired", "gone")
    alerts.clear("provider:kie:retired")
    text = client.get("/metrics").content.decode()
    assert f'studio_open_alerts{{key="{KEY}"}} 2.0' in text
    assert "provider:kie:retired" not in text
