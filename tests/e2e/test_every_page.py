"""What holds for every page: it fits a phone, and breaks no policy (see the fixture ``visit``)."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from tests.e2e.walking import PHONE, PHOTOS, ask, overflow

PAGES = [
    "/", "/try-on/", "/edit/", "/imagine/", "/gallery/", "/profile/", "/pricing/", "/payments/",
    "/checkout/pro/", "/invite/",
]  # fmt: skip
DESKTOP = {"width": 1280, "height": 800}


def pages_about(page: Page) -> list[str]:
    """Make a picture and an edit of it; returns the pages that they have."""
    page.goto("/edit/")
    page.set_input_files("[data-file] >> nth=0", PHOTOS / "astronaut.png")
    page.wait_for_url("**photo=**")
    page.fill("[name=prompt]", "warmer")
    page.press("[name=prompt]", "Enter")
    made = page.wait_for_selector(".turn--done [data-use]").get_attribute("data-code")
    job = ask(page, tool="imagine", prompt="a calm lake at sunset", count=1)
    return [
        f"/edit/?photo={made}",
        f"/pictures/{made}/",
        f"/pictures/{made}/reshape/",
        f"/jobs/{job}/",
    ]


def test_every_page_fits_a_phone_and_a_desktop(guest: Page) -> None:
    addresses = [*PAGES, *pages_about(guest)]
    for size, scheme in ((PHONE, "light"), (DESKTOP, "dark")):
        guest.set_viewport_size(size)
        guest.emulate_media(color_scheme=scheme)
        for address in addresses:
            assert guest.goto(address).ok, address
            assert overflow(guest) <= 0, address


def test_the_sign_in_page_fits_a_phone(visit: Callable[..., Page]) -> None:
    page = visit()
    page.goto("/sign-in/")
    assert overflow(page) <= 0
