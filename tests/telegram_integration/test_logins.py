"""A browser that is signed in by a word in the chat."""

from __future__ import annotations

from datetime import timedelta as td
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from billing.models import Referral
from telegram_integration import logins, tasks
from telegram_integration.models import Login, OutgoingMessage
from tests.telegram_integration.chatting import BOB, Talker, delivered

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _bot(settings: Any) -> None:
    settings.TELEGRAM_BOT_NAME, settings.TELEGRAM_MODE = "studio_bot", "polling"


@pytest.fixture
def ann() -> Talker:
    return Talker()


def begin(browser: Client) -> str:
    answer = browser.post("/api/v1/login/")
    assert answer.status_code == 201
    return answer.json()["nonce"]


def look(browser: Client, nonce: str) -> Any:
    return browser.get(f"/api/v1/login/{nonce}/")


def code(answer: Any) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["message"].endswith(".")
    return answer.status_code, error["code"]


def ask(talker: Talker, nonce: str) -> OutgoingMessage:
    """The question in the chat, as it has reached the person."""
    (question,) = talker.write(f"/start login_{nonce}")
    delivered()
    question.refresh_from_db()
    return question


def later(seconds: int) -> None:
    Login.objects.update(created_at=timezone.now() - td(seconds=seconds))


def test_a_yes_in_the_chat_signs_the_browser_in(client: Client, ann: Talker) -> None:
    nonce = begin(client)
    assert look(client, nonce).json() == {"done": False}
    question = ask(ann, nonce)
    assert question.body["text"].endswith("press the number that you see there.")
    before = client.session.session_key
    (end,) = ann.press(question, logins.number(nonce))
    assert (end.edits, end.body["reply_markup"]) == (question, {"inline_keyboard": []})
    answer = look(client, nonce)
    assert (answer.json(), answer.cookies["django_language"].value) == ({"done": True}, "en")
    assert client.get("/api/v1/me/").json()["name"] == "Ann"
    assert client.session.session_key != before


def test_the_link_leads_to_the_bot_and_fits_telegram(client: Client) -> None:
    answer = client.post("/api/v1/login/").json()
    start = f"login_{answer['nonce']}"
    assert answer["link"] == f"https://t.me/studio_bot?start={start}"
    assert (len(answer["nonce"]), len(start) <= 64, answer["seconds"]) == (32, True, 300)


def test_another_browser_gets_nothing_by_the_link(client: Client, ann: Talker) -> None:
    nonce = begin(client)
    ann.press(ask(ann, nonce), logins.number(nonce))
    thief = Client()
    assert code(look(thief, nonce)) == (403, "login_elsewhere")
    begin(thief)
    assert code(look(thief, nonce)) == (403, "login_elsewhere")
    assert look(client, nonce).json() == {"done": True}


def test_it_signs_in_once(client: Client, ann: Talker) -> None:
    nonce = begin(client)
    ann.press(ask(ann, nonce), logins.number(nonce))
    look(client, nonce)
    assert code(look(client, nonce)) == (409, "login_used")
    (said,) = ann.write(f"/start login_{nonce}")
    assert said.body["text"].startswith("This sign-in link was already used.")


def test_a_yes_pressed_twice_is_one_and_another_persons_is_refused(
    client: Client, ann: Talker
) -> None:
    nonce, bob = begin(client), Talker(BOB)
    question, theirs = ask(ann, nonce), ask(bob, nonce)
    ann.press(question, logins.number(nonce))
    ann.press(question, logins.number(nonce))
    assert bob.press_data(theirs, f"1:login:{nonce}:{logins.number(nonce)}") == []
    assert bob.press_data(theirs, f"1:nologin:{nonce}") == []
    look(client, nonce)
    assert client.get("/api/v1/me/").json()["name"] == "Ann"


def test_a_number_that_the_browser_does_not_show_signs_nobody_in(
    client: Client, ann: Talker
) -> None:
    nonce = begin(client)
    question = ask(ann, nonce)
    (wrong, _other) = [one for one in logins.choices(nonce) if one != logins.number(nonce)]
    (end,) = ann.press(question, wrong)
    assert end.body["text"].startswith("The browser shows another number")
    assert code(look(client, nonce)) == (403, "login_declined")
    assert ann.press(question, logins.number(nonce)) == []


def test_the_browser_shows_one_of_three_numbers(client: Client, ann: Talker) -> None:
    answer = client.post("/api/v1/login/").json()
    first, last = ask(ann, answer["nonce"]).body["reply_markup"]["inline_keyboard"]
    shown = [one["text"] for one in first]
    assert (answer["number"] in shown, len(set(shown)), shown) == (True, 3, sorted(shown))
    assert [one["text"] for one in last] == ["It was not me"]


def test_a_no_is_told_to_whoever_waits(client: Client, ann: Talker) -> None:
    nonce = begin(client)
    question = ask(ann, nonce)
    ann.press(question, "It was not me")
    assert code(look(client, nonce)) == (403, "login_declined")
    assert ann.press(question, logins.number(nonce)) == []
    assert ann.call.answer == "You said no in the chat, so nobody was signed in."


def test_after_five_minutes_it_is_too_late_for_both(client: Client, ann: Talker) -> None:
    nonce = begin(client)
    question = ask(ann, nonce)
    later(301)
    assert ann.press(question, logins.number(nonce)) == []
    assert ann.call.answer.startswith("More than five minutes have passed.")
    assert code(look(client, nonce)) == (410, "login_expired")


def test_a_yes_in_time_is_of_no_use_after_it(client: Client, ann: Talker) -> None:
    nonce = begin(client)
    ann.press(ask(ann, nonce), logins.number(nonce))
    later(301)
    assert code(look(client, nonce)) == (410, "login_expired")


def test_a_closed_account_stays_closed(client: Client, ann: Talker) -> None:
    nonce = begin(client)
    ann.press(ask(ann, nonce), logins.number(nonce))
    user = ann.user
    user.is_active = False
    user.save()
    assert code(look(client, nonce)) == (403, "login_banned")
    assert client.get("/api/v1/me/").status_code == 401


def test_a_nonce_that_nobody_made_is_unknown(client: Client, ann: Talker) -> None:
    assert code(look(client, "x" * 32)) == (404, "login_unknown")
    (said,) = ann.write("/start login_nonsense")
    assert said.body["text"].startswith("This sign-in link is not known here.")


@pytest.mark.parametrize("without", [{"TELEGRAM_BOT_NAME": ""}, {"TELEGRAM_MODE": "off"}])
def test_without_a_bot_it_is_not_offered(client: Client, settings: Any, without: Any) -> None:
    for name, value in without.items():
        setattr(settings, name, value)
    assert code(client.post("/api/v1/login/")) == (503, "login_no_bot")
    assert "data-begin" not in client.get("/sign-in/").content.decode()


def test_the_page_offers_it_where_a_bot_runs(client: Client) -> None:
    page = client.get("/sign-in/?next=/gallery/").content.decode()
    assert 'data-login="/api/v1/login/"' in page
    assert "Sign in with Telegram" in page


def test_nobody_begins_more_than_ten_in_a_minute(client: Client) -> None:
    for _number in range(10):
        begin(client)
    assert client.post("/api/v1/login/").status_code == 429
    assert Login.objects.count() == 10


def test_an_invitation_that_the_browser_followed_counts(client: Client, ann: Talker) -> None:
    ann.write("/start")
    bob = Talker(BOB)
    client.get(f"/sign-in/?ref={ann.user.account.invite_code}")
    nonce = begin(client)
    bob.press_data(ask(bob, nonce), f"1:login:{nonce}:{logins.number(nonce)}")
    look(client, nonce)
    assert Referral.objects.get().friend.user == bob.user


def test_the_database_refuses_a_no_that_signs_in(client: Client, ann: Talker) -> None:
    begin(client)
    ann.write("/start")
    for wrong in ({"declined_at": timezone.now(), "user": ann.user}, {"used_at": timezone.now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Login.objects.update(**wrong)


def test_the_clock_forgets_yesterdays(client: Client) -> None:
    begin(client)
    tasks.clear_sessions()
    assert Login.objects.count() == 1
    later(86401)
    tasks.clear_sessions()
    assert Login.objects.count() == 0
