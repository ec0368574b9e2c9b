"""The owner hears of each alert once, of its end once, and not of too many."""

from __future__ import annotations

from datetime import timedelta as td
from typing import Any

import pytest
from django.utils import timezone, translation

from generation import alerts
from generation.models import Alert, Heartbeat
from telegram_integration import owner, telling, watching
from telegram_integration.models import OutgoingMessage
from tests.conftest import make_person
from tests.vendors.botapi import TOKEN, BotApi

pytestmark = pytest.mark.django_db
OWNER = 5001


@pytest.fixture(autouse=True)
def _there_is_an_owner(settings: Any) -> None:
    settings.OWNER_CHAT_ID, settings.OWNER_ALERTS_AN_HOUR = OWNER, 4


def told() -> list[str]:
    """What is written to the owner now."""
    before = set(OutgoingMessage.objects.values_list("pk", flat=True))
    telling.tell()
    new = OutgoingMessage.objects.exclude(pk__in=before).order_by("pk")
    assert {row.chat_id for row in new} <= {OWNER}
    return [row.body["text"] for row in new]


def raise_many(number: int, start: int = 0) -> None:
    for n in range(start, start + number):
        alerts.raise_alert(f"provider:p{n}:no_credits", "empty")


def an_hour_later() -> None:
    OutgoingMessage.objects.update(created_at=timezone.now() - td(minutes=61))


def test_an_alert_is_told_once_with_what_to_do_and_its_end_once() -> None:
    alerts.raise_alert("provider:kie:no_credits", "balance is 0")
    first = told()
    assert first == [
        "⚠️ provider:kie:no_credits\nbalance is 0\n"
        "Top up the account with the vendor, or route another provider before it."
    ]
    alerts.raise_alert("provider:kie:no_credits", "balance is 0")
    assert told() == []
    alerts.clear("provider:kie:no_credits")
    assert told() == ["✅ provider:kie:no_credits is well again."]
    assert told() == []


def test_what_ended_before_it_was_told_is_no_news() -> None:
    raise_many(1)
    alerts.clear("provider:p0:no_credits")
    assert told() == []
    alerts.raise_alert("provider:p0:no_credits", "again")
    assert len(told()) == 1


def test_too_many_come_together_in_one_message(settings: Any) -> None:
    raise_many(15)
    *singly, rest = told()
    assert len(singly) == 3
    assert rest.startswith("And 12 more:\n⚠️ provider:p3:no_credits\n")
    assert rest.endswith(f"…\n{settings.SITE_URL}/admin/generation/alert/")
    assert not Alert.objects.filter(told_at=None).exists()


def test_after_the_last_of_an_hour_the_rest_waits_for_the_next_hour() -> None:
    raise_many(4)
    assert len(told()) == 4
    raise_many(2, start=4)
    alerts.clear("provider:p0:no_credits")
    assert told() == []
    an_hour_later()
    assert len(told()) == 3


def test_without_an_owner_nothing_is_written(settings: Any) -> None:
    settings.OWNER_CHAT_ID = 0
    raise_many(2)
    assert told() == []
    settings.OWNER_CHAT_ID = OWNER
    assert len(told()) == 2


def test_the_owner_reads_it_in_their_language() -> None:
    make_person("olga", telegram_id=OWNER, language="ru")
    raise_many(1)
    with translation.override("ru"):
        fix = str(alerts.fix(Alert.objects.get()))
    assert told() == [f"⚠️ provider:p0:no_credits\nempty\n{fix}"]
    assert not fix.isascii()


@pytest.mark.django_db(transaction=True)
def test_a_worker_says_itself_that_the_bot_is_silent(settings: Any) -> None:
    with BotApi() as telegram:
        settings.TELEGRAM_MODE, settings.TELEGRAM_BOT_TOKEN = "polling", TOKEN
        settings.BOT_API_URL = telegram.url
        telegram.person(OWNER, first_name="Olga", language_code="en")
        telegram.start(OWNER)
        for name in ("beat", "worker:x:1", "canary:pictures", "canary:chores"):
            Heartbeat.objects.create(name=name)
        watching.look()
        seen = [one.words for one in telegram.messages(OWNER) if one.by_bot]
        assert [words.splitlines()[0] for words in seen] == ["⚠️ process:bot:silent"]
        Heartbeat.objects.filter(name=watching.TURN).delete()
        watching.look()
        assert len([one for one in telegram.messages(OWNER) if one.by_bot]) == 1
    assert OutgoingMessage.objects.get(key__startswith=owner.KEY).state == "sent"
