"""A browser signed in by a word in the chat, and a picture handed over, with a bot that runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Studio, Visit, running
from tests.e2e.test_bot import ANN, Phone
from tests.e2e.walking import ask
from tests.vendors.botapi import TOKEN, BotApi, Seen

APP = Path(__file__).with_name("telegram_app.js")
LAUNCHED = "#tgWebAppData=x&tgWebAppVersion=8.0"


@pytest.fixture(scope="module")
def telegram() -> Iterator[BotApi]:
    with BotApi(enforce_pace=True) as api:
        api.person(ANN, first_name="Ann", language_code="en")
        yield api


@pytest.fixture(scope="module")
def studio(telegram: BotApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    settings = {
        "TELEGRAM_BOT_TOKEN": TOKEN, "BOT_API_URL": telegram.url,
        "TELEGRAM_BOT_NAME": "studio_test_bot",
    }  # fmt: skip
    with running(tmp_path_factory.mktemp("login"), **settings) as studio:
        yield studio


@pytest.fixture
def ann(telegram: BotApi) -> Phone:
    return Phone(telegram, ANN)


def begin(page: Page, phone: Phone, onward: str = "/") -> None:
    """Press the button, follow the link in Telegram; the bot asks."""
    page.goto(f"/sign-in/?next={onward}")
    page.click("text=Sign in with Telegram")
    link = page.locator("[data-link]")
    expect(link).to_be_visible()
    asked = len(questions(phone))
    phone.api.start(ANN, link.get_attribute("href").partition("?start=")[2])
    phone.api.wait_for(lambda: len(questions(phone)) > asked, 30)


def questions(phone: Phone) -> list[Seen]:
    return [one for one in phone.api.messages(ANN) if "It was not me" in one.labels]


def answer(phone: Phone, label: str) -> None:
    """To the newest question."""
    phone.press(questions(phone)[-1], label)


def test_a_yes_in_the_chat_signs_the_browser_in(visit: Visit, ann: Phone) -> None:
    page = visit()
    begin(page, ann, "/gallery/")
    answer(ann, page.locator("[data-number]").text_content())
    page.wait_for_url("**/gallery/")
    ann.read("You are signed in.")


def test_a_no_is_said_on_the_page_and_one_can_begin_anew(visit: Visit, ann: Phone) -> None:
    page = visit()
    begin(page, ann)
    answer(ann, "It was not me")
    expect(page.locator("[data-why]")).to_have_text(
        "You said no in the chat, so nobody was signed in."
    )
    page.click("text=Try again")
    expect(page.locator("[data-link]")).to_be_visible()


def test_a_picture_goes_to_the_chat_and_from_there_to_friends(visit: Visit, ann: Phone) -> None:
    page = visit()
    begin(page, ann)
    answer(ann, page.locator("[data-number]").text_content())
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    job = ask(page, tool="imagine", prompt="a sea at night")
    announced = ann.picture(1)  # what is made on the pages comes to the chat by itself
    (made,) = page.evaluate(f"studio.api('GET', '/api/v1/jobs/{job}/')")["results"]
    page.goto(f"/pictures/{made['code']}/")
    expect(page.locator("[data-pass]")).to_be_hidden()
    page.click("[data-send]")
    assert ann.picture(2).photo == announced.photo
    inside = visit(storage_state=page.context.storage_state())
    inside.context.route("https://telegram.org/**", lambda route: route.fulfill(path=APP))
    inside.goto(f"/pictures/{made['code']}/{LAUNCHED}")
    inside.click("[data-pass]")
    inside.wait_for_function("() => window.shared")
    assert ann.api.sent[-1].method == "savePreparedInlineMessage"
