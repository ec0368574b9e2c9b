"""Steps that several walks through the pages share."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

PHOTOS = Path(__file__).resolve().parents[1] / "photos"
PHONE = {"width": 390, "height": 844}


def sign_in(page: Page) -> Page:
    """Through the demo's door, as somebody new."""
    page.goto("/sign-in/")
    page.click("form[action='/demo/'] button")
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    return page


def choose(page: Page, photo: str, *, step: int) -> None:
    """Send a photo in this step of the wizard and go on."""
    page.set_input_files(f"[data-step='{step}'] [data-file] >> nth=0", PHOTOS / photo)
    page.click("[data-next]:enabled")


def ask(page: Page, **wish: object) -> str:
    """Ask for a job as a script of this page would; returns its code."""
    return page.evaluate("(wish) => studio.api('POST', '/api/v1/jobs/', wish)", wish)["code"]


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def shows_a_picture(page: Page, selector: str) -> bool:
    """Whether the image has come and has pixels."""
    page.wait_for_function("(one) => document.querySelector(one)?.naturalWidth > 0", arg=selector)
    return page.locator(selector).first.is_visible()
