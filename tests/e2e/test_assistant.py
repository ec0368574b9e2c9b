"""Talking to the assistant in the editor, from the question to the picture."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.walking import PHOTOS, ask, overflow

CREDITS = "studio.api('GET', '/api/v1/me/').then((me) => me.balance.credit)"
FOUR_PICTURES = {"tool": "imagine", "prompt": "a starry night over mountains", "count": 4}


@pytest.fixture
def editor(guest: Page) -> Page:
    """The editor around a photo that was just sent."""
    guest.goto("/edit/")
    guest.set_input_files("[data-file] >> nth=0", PHOTOS / "astronaut.png")
    guest.wait_for_url("**photo=**")
    return guest


def talk(page: Page, words: str) -> None:
    page.fill("[name=prompt]", words)
    page.click("[data-talk]")


def answered(page: Page, words: str = "make it warmer") -> Page:
    talk(page, words)
    expect(page.locator("[data-proposal]")).to_have_count(3, timeout=30_000)
    return page


def test_one_of_three_prompts_is_changed_and_drawn_and_all_of_it_stays(editor: Page) -> None:
    page = answered(editor)
    card = page.locator("[data-proposal]").nth(1)
    card.locator("[data-unfold]").click()
    card.locator("[data-wording]").fill("make it black and white")
    expect(card.locator("[data-draw]")).to_contain_text("1 credit")
    card.locator("[data-draw]").click()
    expect(page.locator(".turn--done [data-use][aria-pressed=true]")).to_be_visible()
    expect(card.get_by_text("Drawn")).to_be_visible()
    page.reload()
    expect(page.locator("[data-proposal]")).to_have_count(3)
    words = ["make it warmer", "make it black and white"]
    expect(page.locator(".turn__words")).to_have_text(words)
    assert overflow(page) <= 0


def test_a_turn_and_a_picture_cost_a_credit_each(editor: Page) -> None:
    page = answered(editor)
    assert page.evaluate(CREDITS) == 4
    page.locator("[data-unfold]").first.click()
    page.locator("[data-draw]").first.click()
    page.wait_for_selector(".turn--done [data-use]")
    assert page.evaluate(CREDITS) == 3


def test_a_prompt_as_it_was_proposed_is_drawn_and_stays_marked(editor: Page) -> None:
    page = answered(editor)
    page.locator("[data-unfold]").first.click()
    page.locator("[data-draw]").first.click()
    page.wait_for_selector(".turn--done [data-use]")
    page.reload()
    expect(page.locator("[data-proposal]").first.get_by_text("Drawn")).to_be_visible()


def test_the_cards_work_from_the_keyboard(editor: Page) -> None:
    page = answered(editor)
    first, second = (page.locator("[data-unfold]").nth(number) for number in (0, 1))
    first.press("Enter")
    expect(first).to_have_attribute("aria-expanded", "true")
    first.press("Tab")
    page.keyboard.type("bright and ")
    page.keyboard.press("Escape")
    expect(first).to_be_focused()
    expect(first).to_contain_text("bright and")
    second.press("Enter")
    expect(page.locator("[data-desk]:visible")).to_have_count(1)


def test_words_are_in_the_stream_before_the_server_has_answered(editor: Page) -> None:
    held = []
    editor.route("**/api/v1/jobs/", lambda route: held.append(route))
    talk(editor, "make it warmer")
    expect(editor.locator(".turn__words")).to_have_text("make it warmer")
    expect(editor.locator("[name=prompt]")).to_have_value("")
    held[0].continue_()
    expect(editor.locator("[data-proposal]")).to_have_count(3)
    expect(editor.locator(".turn__words")).to_have_count(1)


def test_without_credits_the_words_come_back_and_can_still_be_done(editor: Page) -> None:
    ask(editor, **FOUR_PICTURES)
    answered(editor)
    talk(editor, "black and white")
    expect(editor.locator(".turn__answer").last).to_contain_text("Nothing was charged")
    expect(editor.locator(".turn__answer").last).to_contain_text("without the assistant")
    expect(editor.locator("[name=prompt]")).to_have_value("black and white")
    editor.click("[data-send]")
    editor.wait_for_selector(".turn--done [data-use]", timeout=30_000)


def test_what_is_too_long_for_the_assistant_can_still_be_done(editor: Page) -> None:
    editor.fill("[name=prompt]", "w" * 1850)
    expect(editor.locator("[data-counter]")).to_have_text("1,850 of 2,000 characters")
    expect(editor.locator("[data-talk]")).to_be_enabled()
    editor.fill("[name=prompt]", "w" * 2001)
    expect(editor.locator("[data-counter]")).to_contain_text("2,001 characters")
    expect(editor.locator("[data-talk]")).to_be_disabled()
    expect(editor.locator("[data-send]")).to_be_enabled()


def test_a_turns_address_leads_to_the_editor(editor: Page) -> None:
    where = answered(editor).url
    code = editor.locator("[data-talk-turn]").get_attribute("data-job")
    editor.goto(f"/jobs/{code}/")
    expect(editor).to_have_url(where)


def test_markup_in_a_message_is_shown_as_it_was_typed(editor: Page) -> None:
    words = "<img src=x onerror=alert(1)> warmer"
    answered(editor, words)
    expect(editor.locator(".turn__words")).to_have_text(words)
    editor.reload()
    expect(editor.locator(".turn__words")).to_have_text(words)
