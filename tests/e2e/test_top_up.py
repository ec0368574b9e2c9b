"""Out of credits: kindly refused, topped up, and what was begun goes on by itself."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Studio
from tests.e2e.walking import choose, shows_a_picture


@pytest.fixture
def promo(studio: Studio) -> Callable[[str, int], str]:
    """A code that staff have made."""

    def make(sort: str, value: int) -> str:
        code = f"CODE{secrets.token_hex(4)}".upper()
        row = f"Promo.objects.create(code='{code}', sort='{sort}', value={value})"
        studio.command("shell", "-c", f"from billing.models import Promo; {row}")
        return code

    return make


def spend_everything(page: Page) -> None:
    """Five credits and ten free actions."""
    page.evaluate(
        """async () => { for (const count of [4, 1, 4, 4, 2]) {
            await studio.api('POST', '/api/v1/jobs/', {tool: 'imagine', prompt: 'a sea', count});
        } }"""
    )


def refused_try_on(page: Page) -> None:
    """At the last screen of the wizard with nothing left to pay it."""
    page.goto("/try-on/")
    choose(page, "astronaut.png", step=1)
    choose(page, "shirt.png", step=2)
    expect(page.locator("[data-adjust]")).to_be_visible()
    page.click("[data-send]")
    expect(page.locator("[data-problem]")).to_contain_text("Nothing was charged")


def order_the_first(page: Page) -> None:
    """From the prices to the bank's page, by the one button of each page."""
    page.click(".begun [data-main]")
    page.click("[data-send]")
    page.wait_for_url("**/sandbox/**")


def buy_the_first_pack(page: Page) -> None:
    page.goto("/checkout/pack-100/")
    page.click("[data-send]")
    page.wait_for_url("**/sandbox/**")
    page.click("button[value=pay]")
    expect(page.locator("[data-status=succeeded]")).to_be_visible()


def test_a_try_on_without_credits_finishes_by_itself_after_the_top_up(guest: Page) -> None:
    spend_everything(guest)
    refused_try_on(guest)
    guest.click("[data-top-up]")
    expect(guest.locator(".begun")).to_contain_text("Try-on")
    expect(guest.locator(".begun [data-main]")).to_have_text(re.compile("100 credits"))
    order_the_first(guest)
    guest.click("button[value=pay]")
    guest.wait_for_url("**/jobs/**")
    assert shows_a_picture(guest, ".job--done .picture__image")
    balance = guest.evaluate("studio.api('GET', '/api/v1/me/').then((me) => me.balance.credit)")
    assert balance == 98


def test_a_payment_that_comes_late_and_untold_is_noticed_by_the_page(guest: Page) -> None:
    guest.goto("/checkout/pack-100/")
    guest.click("[data-send]")
    guest.wait_for_url("**/sandbox/**")
    guest.click("button[value=later]")
    guest.wait_for_url("**/pay/**")
    expect(guest.locator("[data-payment]")).to_contain_text("Waiting for the payment")
    paid = guest.locator("[data-status=succeeded]")
    paid.wait_for(timeout=30_000)  # the bank takes ten seconds
    expect(paid).to_contain_text("100 credits are yours")


def test_a_declined_card_costs_nothing_and_can_be_tried_again(guest: Page) -> None:
    guest.goto("/checkout/pack-100/")
    guest.click("[data-send]")
    guest.wait_for_url("**/sandbox/**")
    guest.click("button[value=decline]")
    guest.wait_for_url("**/pay/**")
    expect(guest.locator("[data-status=canceled]")).to_contain_text("Nothing was charged")
    guest.click("[data-status=canceled] [data-main]")
    guest.click("[data-send]")
    guest.wait_for_url("**/sandbox/**")
    guest.click("button[value=pay]")
    expect(guest.locator("[data-status=succeeded]")).to_be_visible()


def test_a_code_from_the_prices_lowers_the_price_at_the_checkout(
    guest: Page, promo: Callable[..., str]
) -> None:
    guest.goto("/pricing/")
    guest.fill("[name=code]", promo("percent", 50))
    guest.click("[data-promo] button")
    expect(guest.locator("[data-says]")).to_contain_text("discount")
    guest.click("a[href^='/checkout/pack-100/']")
    expect(guest.locator("[data-send]")).to_contain_text("99.50 ₽")
    guest.click("[data-send]")
    guest.wait_for_url("**/sandbox/**")
    expect(guest.locator(".sandbox__amount")).to_contain_text("99.50")
    guest.click("button[value=pay]")
    expect(guest.locator("[data-status=succeeded]")).to_be_visible()


def test_a_code_for_credits_is_used_at_the_prices(guest: Page, promo: Callable[..., str]) -> None:
    guest.goto("/pricing/")
    guest.fill("[name=code]", promo("credits", 20))
    guest.click("[data-promo] button")
    expect(guest.locator("[data-says]")).to_have_text("20 credits are yours")
    guest.click("[data-promo] button")
    expect(guest.locator("[data-says]")).to_contain_text("used this code already")


def test_a_plan_that_renews_is_stopped_in_the_profile(guest: Page) -> None:
    guest.goto("/checkout/pro/")
    guest.check("[name=save_method]")
    guest.click("[data-send]")
    guest.wait_for_url("**/sandbox/**")
    guest.click("button[value=pay]")
    expect(guest.locator("[data-status=succeeded]")).to_contain_text("Your plan runs until")
    guest.goto("/profile/")
    guest.click("[data-end]")
    guest.click("[data-end-sheet] [value=end]")
    expect(guest.locator("[data-plan]")).to_contain_text("then nothing is charged")
    guest.click("[data-resume]")
    expect(guest.locator("[data-plan]")).to_contain_text("Renews by itself")


def test_a_gift_is_taken_by_whoever_opens_its_link(guest: Page, visit: Callable[..., Page]) -> None:
    guest.goto("/invite/")
    guest.fill("[name=units]", "3")
    guest.click("[data-give] button")
    expect(guest.locator("[data-give] [data-error]")).to_contain_text(
        "Only credits that were bought"
    )
    buy_the_first_pack(guest)
    guest.goto("/invite/")
    guest.fill("[name=units]", "3")
    guest.click("[data-give] button")
    guest.wait_for_url("**/gift/**")
    friend = visit()
    friend.goto(guest.url)
    friend.click("form[action='/demo/'] button")
    friend.wait_for_url("**/gift/**")
    friend.click("[data-take]")
    expect(friend.locator(".pay__title")).to_have_text("3 credits are yours")
