"""What staff tell many people: who gets it, once each, whatever happens meanwhile."""

from __future__ import annotations

import itertools
import uuid
from datetime import timedelta as td
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.models import Subscription
from billing.problem import Problem
from generation import studio
from telegram_integration import broadcasts, outbox, progress, saying
from telegram_integration.audience import audience
from telegram_integration.models import Broadcast, Lane, OutgoingMessage, Segment, User
from telegram_integration.tasks import broadcast as tick
from tests.billing.buying import buy
from tests.conftest import Obedient, make_person

pytestmark = pytest.mark.django_db
ids = itertools.count(5000)
LONG_AGO = timezone.now() - td(days=90)


def reachable(username: str, **fields: Any) -> User:
    return make_person(username, **{"telegram_id": next(ids), "chat_since": LONG_AGO} | fields)


def crowd(number: int) -> None:
    User.objects.bulk_create(
        User(username=f"u{one}", telegram_id=next(ids), chat_since=LONG_AGO, language="en")
        for one in range(number)
    )


@pytest.fixture(autouse=True)
def _many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "SLOW_AT_ONCE", 1000)


def written(**fields: Any) -> Broadcast:
    return Broadcast.objects.create(**{"text_ru": "Привет", "text_en": "Hello"} | fields)


def begun(**fields: Any) -> Broadcast:
    """Scheduled for now; the clock has not come by yet."""
    row = written(**fields)
    broadcasts.schedule(row)
    broadcasts.begin_due(timezone.now())
    row.refresh_from_db()
    return row


def sent(number: int = 10_000) -> int:
    """So many of those that are due reach Telegram. Returns how many were."""
    rows = outbox.due(set())[:number]
    for row in rows:
        assert outbox.claim(row)
        outbox.sent(row, next(ids))
    return len(rows)


def so_far(row: Broadcast) -> tuple[int, int, int, int]:
    found = progress.progress(progress.counted(Broadcast.objects.filter(pk=row.pk)).get())
    return (found.wanted, found.sent, found.failed, found.percent)


def names(segment: str) -> set[str]:
    return {user.username for user in audience(segment)}


# ── who ───────────────────────────────────────────────────────────────────────────────────────


def test_only_who_can_be_written_to_is_written_to() -> None:
    reachable("ann")
    make_person("web")
    reachable("silent", chat_since=None)
    reachable("gone", blocked_at=timezone.now())
    reachable("closed", is_active=False)
    assert names(Segment.EVERYBODY) == {"ann"}


def test_segments_of_languages_and_staff() -> None:
    reachable("ann", language="en")
    reachable("bob", language="ru", is_staff=True)
    assert names(Segment.ENGLISH) == {"ann"}
    assert names(Segment.RUSSIAN) == names(Segment.STAFF) == {"bob"}


def test_segments_of_money(settings: Any) -> None:
    settings.DEBUG = True
    reachable("poor")
    buy(reachable("once"))
    buy(reachable("now"), "pro")
    buy(reachable("before"), "pro")
    ended = Subscription.objects.filter(account__user__username="before")
    ended.update(started_at=LONG_AGO, ends_at=LONG_AGO + td(days=30))
    assert names(Segment.PLAN) == {"now"}
    assert names(Segment.LAPSED) == {"before"}
    assert names(Segment.PAID) == {"once", "now", "before"}
    assert names(Segment.UNPAID) == {"poor"}


def test_whose_renewal_is_still_tried_has_not_lost_the_plan(settings: Any) -> None:
    settings.DEBUG = True
    buy(reachable("ann"), "pro")
    now = timezone.now()
    Subscription.objects.update(started_at=LONG_AGO, ends_at=now - td(days=1))
    assert names(Segment.LAPSED) == {"ann"}
    Subscription.objects.update(renews=True, charge_at=now + td(hours=1))
    assert names(Segment.LAPSED) == set()


def test_segments_of_what_people_do(provider: Obedient) -> None:
    now = timezone.now()
    reachable("slept")
    reachable("opened", last_login=now - td(days=20))
    reachable("wrote", wrote_at=now - td(days=1))
    reachable("wrote long ago", wrote_at=now - td(days=40))
    studio.imagine(reachable("drew").pk, prompt="a fox")
    assert names(Segment.ACTIVE) == {"wrote", "drew"}
    assert names(Segment.SILENT) == {"slept", "wrote long ago"}


# ── what ──────────────────────────────────────────────────────────────────────────────────────


def test_each_is_told_in_their_language_or_in_the_only_one(settings: Any) -> None:
    settings.HTTPS, settings.SITE_URL = True, "https://studio.example"
    bob, ann = reachable("bob", language="ru"), reachable("ann", language="en")
    row = begun(button_en="Plans", path="/pricing/")
    broadcasts.queue_some(row)
    said = {one.chat_id: one.body for one in OutgoingMessage.objects.filter(broadcast=row)}
    assert (said[bob.telegram_id]["text"], said[ann.telegram_id]["text"]) == ("Привет", "Hello")
    ((button,),) = said[bob.telegram_id]["reply_markup"]["inline_keyboard"]
    address = {"url": "https://studio.example/pricing/"}
    assert button == {"text": "Plans", "web_app": address}


@pytest.mark.parametrize(
    "fields",
    [
        {"text_ru": " ", "text_en": ""},
        {"text_en": "🦊" * 2049},
        {"button_en": "Plans"},
        {"path": "/pricing/"},
        {"button_en": "Plans", "path": "/nowhere/"},
        {"button_en": "Plans", "path": "//evil.example/"},
        {"button_en": "Plans", "path": "https://evil.example/pricing/"},
    ],
)
def test_what_could_not_be_sent_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Broadcast(**{"text_ru": "Привет"} | fields).full_clean()


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "lost"},
        {"segment": "nobody"},
        {"text_ru": "", "text_en": ""},
        {"path": "/pricing/"},
        {"status": "scheduled"},
        {"status": "sending", "starts_at": LONG_AGO},
        {"status": "done", "starts_at": LONG_AGO, "started_at": LONG_AGO},
        {"ended_at": LONG_AGO},
    ],
)
def test_the_database_refuses(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        written(**fields)


def test_the_lane_of_broadcasts_is_for_them_alone() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        saying.say(5, "Hello", key="one", lane=Lane.BROADCAST)


# ── how it goes ───────────────────────────────────────────────────────────────────────────────


def test_it_begins_when_it_is_due_and_ends_when_all_have_it() -> None:
    crowd(3)
    row = written()
    broadcasts.schedule(row, timezone.now() + td(hours=1))
    tick()
    assert outbox.due(set()) == []
    Broadcast.objects.update(starts_at=timezone.now())
    tick()
    assert (sent(2), so_far(row)) == (2, (3, 2, 0, 66))
    tick()
    assert (sent(), so_far(row)) == (1, (3, 3, 0, 100))
    tick()
    row.refresh_from_db()
    assert (row.status, row.ended_at is not None) == ("done", True)


def test_few_wait_at_a_time_and_everybody_is_told_once() -> None:
    crowd(1700)
    row = begun()
    tick()
    while sent():
        assert broadcasts.waiting() <= 1000
        assert so_far(row)[0] == 1700
        tick()
    told = OutgoingMessage.objects.filter(broadcast=row, state="sent")
    assert told.values("chat_id").distinct().count() == told.count() == 1700
    row.refresh_from_db()
    assert row.status == "done"


def test_twice_is_once() -> None:
    crowd(3)
    row = begun()
    broadcasts.queue_some(row)
    Broadcast.objects.update(position=0)  # as if nobody knew how far we were
    row.refresh_from_db()
    assert broadcasts.queue_some(row) == 3
    assert OutgoingMessage.objects.count() == 3


def test_of_two_who_drive_it_one_writes() -> None:
    crowd(3)
    row = begun()
    other = Broadcast.objects.get()
    assert (broadcasts.queue_some(row), broadcasts.queue_some(other)) == (3, 0)


def test_killed_between_two_steps_it_goes_on_as_if_nothing_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd(3)
    row = begun()
    with monkeypatch.context() as patch:
        patch.setattr("django.db.models.QuerySet.bulk_create", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            broadcasts.drive(timezone.now())
    row.refresh_from_db()
    assert (row.position, OutgoingMessage.objects.count()) == (0, 0)
    tick()
    assert sent() == 3


def test_who_comes_after_the_start_is_not_told() -> None:
    crowd(2)
    row = begun()
    reachable("new", chat_since=timezone.now() + td(seconds=1))
    tick()
    assert (sent(), so_far(row)) == (2, (2, 2, 0, 100))


def test_who_blocked_the_bot_counts_as_failed() -> None:
    crowd(3)
    row = begun()
    tick()
    first, second, _third = outbox.due(set())
    outbox.failed(first, "Forbidden: bot was blocked by the user")
    outbox.blocked(second.chat_id)
    sent()
    tick()
    assert so_far(row) == (3, 1, 2, 100)


def test_a_pause_acts_at_once_and_nobody_is_told_twice() -> None:
    crowd(3)
    row = begun()
    tick()
    sent(1)
    broadcasts.pause(row)
    tick()
    assert (sent(), so_far(row)) == (0, (3, 1, 0, 33))
    broadcasts.resume(row)
    assert (sent(), so_far(row)) == (2, (3, 3, 0, 100))


def test_a_paused_one_keeps_no_other_waiting() -> None:
    crowd(1200)
    paused = begun()
    tick()
    broadcasts.pause(paused)
    begun(text_en="Another")
    tick()
    assert {row.body["text"] for row in outbox.due(set())} == {"Another"}


def test_a_stop_is_for_good() -> None:
    crowd(700)
    row = begun()
    broadcasts.queue_some(row)
    sent(30)
    late, *_others = outbox.due(set())
    assert outbox.claim(late)
    broadcasts.stop(row)
    outbox.later(late, 0)  # Telegram was busy
    tick()
    assert sent() == 0
    assert so_far(row) == (700, 30, 0, 4)
    with pytest.raises(Problem):
        broadcasts.resume(row)


def test_what_was_on_its_way_when_it_was_stopped_counts_as_sent() -> None:
    crowd(2)
    row = begun()
    tick()
    under_way, _other = outbox.due(set())
    assert outbox.claim(under_way)
    broadcasts.stop(row)
    outbox.sent(under_way, 7)
    assert so_far(row) == (2, 1, 0, 50)


@pytest.mark.parametrize(
    ("status", "act"),
    [
        ("scheduled", broadcasts.schedule),
        ("scheduled", broadcasts.pause),
        ("sending", broadcasts.resume),
        ("done", broadcasts.stop),
    ],
)
def test_each_act_expects_where_it_stands(status: str, act: Any) -> None:
    at = timezone.now()
    ended = at if status == "done" else None
    row = written(status=status, starts_at=at, started_at=at, ended_at=ended)
    with pytest.raises(Problem, match="broadcast_moved_on"):
        act(row)
    assert Broadcast.objects.get().status == status


def test_results_go_before_broadcasts() -> None:
    crowd(2)
    begun()
    tick()
    saying.say(5, "Your picture is ready", key="one", lane=Lane.RESULT)
    saying.say(5, "An answer", key="two")
    said = [row.body["text"] for row in outbox.due(set())]
    assert said == ["Your picture is ready", "An answer", "Hello", "Hello"]


def test_a_test_goes_to_one_person_once_and_counts_for_nothing() -> None:
    row, key, boss = written(), uuid.uuid4(), reachable("boss")
    broadcasts.send_test(row, boss, key)
    broadcasts.send_test(row, boss, key)
    said = OutgoingMessage.objects.filter(chat_id=boss.telegram_id, broadcast=None)
    assert sorted(one.body["text"] for one in said) == ["Hello", "Привет"]
    assert row.status == "draft"


def test_an_empty_audience_is_soon_over() -> None:
    row = begun()
    tick()
    assert Broadcast.objects.get().status == "done"
    assert so_far(row) == (0, 0, 0, 100)
