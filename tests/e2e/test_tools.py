"""Each tool from the first page to the picture, as a person goes."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e.walking import PHOTOS, choose, shows_a_picture


def test_a_guest_tries_a_shirt_on_and_finds_the_picture_in_the_gallery(guest: Page) -> None:
    guest.goto("/try-on/")
    choose(guest, "astronaut.png", step=1)
    choose(guest, "shirt.png", step=2)
    expect(guest.locator("[data-send]")).to_contain_text("2 credits")
    expect(guest.locator("[data-adjust]")).to_be_visible()
    guest.click("[data-send]")
    guest.wait_for_url("**/jobs/**")
    assert shows_a_picture(guest, ".job--done .picture__image")
    shown = guest.locator(".job__picture").get_attribute("href")
    guest.goto("/gallery/")
    expect(guest.locator(f"a[href='{shown}']")).to_be_visible()


def test_going_away_in_the_middle_of_a_try_on_loses_nothing(guest: Page) -> None:
    guest.goto("/try-on/")
    choose(guest, "astronaut.png", step=1)
    with guest.expect_response(lambda answer: "/draft/" in answer.url):
        choose(guest, "shirt.png", step=2)
    guest.check("[name=zone][value=neck]", force=True)
    guest.wait_for_load_state("networkidle")
    guest.goto("/")
    guest.goto("/try-on/")
    expect(guest.locator("[data-step='3']")).to_be_visible()
    expect(guest.locator("[name=zone][value=neck]")).to_be_checked()
    guest.click("[data-back]")
    expect(guest.locator("[data-step='2'] [data-image]")).to_be_visible()


def test_where_nobody_is_found_the_person_draws_the_frame(guest: Page) -> None:
    guest.goto("/try-on/")
    choose(guest, "coffee.png", step=1)
    choose(guest, "shirt.png", step=2)
    expect(guest.locator("[data-fit]")).not_to_be_empty()
    frame = guest.locator("[data-frame]")
    before = frame.bounding_box()
    frame.press("ArrowRight")
    assert frame.bounding_box()["x"] > before["x"]
    guest.click("[data-send]")
    guest.wait_for_url("**/jobs/**")
    guest.wait_for_selector(".job--done")


def test_two_pictures_are_imagined_for_the_price_of_two(guest: Page) -> None:
    guest.goto("/imagine/")
    guest.fill("[name=prompt]", "a calm lake at sunset")
    guest.click("[data-by='1']")
    expect(guest.locator("[data-send]")).to_contain_text("2 credits")
    guest.click("[data-send]")
    guest.wait_for_url("**/jobs/**")
    guest.wait_for_selector(".job--done")
    expect(guest.locator(".job__picture")).to_have_count(2)


def test_a_suggestion_edits_the_photo_and_undo_goes_back(guest: Page) -> None:
    guest.goto("/edit/")
    guest.set_input_files("[data-file] >> nth=0", PHOTOS / "astronaut.png")
    guest.wait_for_url("**photo=**")
    first = guest.url
    guest.click("[data-idea]:text-is('black and white')")
    guest.click("[data-send]")
    guest.wait_for_selector(".turn--done [data-use][aria-pressed=true]")
    assert guest.url != first
    guest.click("[data-undo]")
    expect(guest).to_have_url(first)


def test_words_that_are_not_understood_are_told_in_the_stream_and_cost_nothing(guest: Page) -> None:
    guest.goto("/edit/")
    guest.set_input_files("[data-file] >> nth=0", PHOTOS / "astronaut.png")
    guest.wait_for_url("**photo=**")
    guest.fill("[name=prompt]", "let it float in zero gravity")
    guest.press("[name=prompt]", "Enter")
    expect(guest.locator(".turn__answer")).to_contain_text("gravity")
    expect(guest.locator(".turn__answer")).to_contain_text("Nothing was charged")
    balance = guest.evaluate("studio.api('GET', '/api/v1/me/').then((me) => me.balance.credit)")
    assert balance == 5


def test_a_failed_upload_says_why_and_keeps_the_door_open(guest: Page) -> None:
    guest.goto("/try-on/")
    broken = {"name": "cat.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\nnothing"}
    guest.set_input_files("[data-step='1'] [data-file] >> nth=0", broken)
    expect(guest.locator("[data-step='1'] [data-wrong]")).to_have_text(re.compile("photo"))
    expect(guest.locator("[data-step='1'] [data-ask]")).to_be_visible()
    expect(guest.locator("[data-next]")).to_be_disabled()
