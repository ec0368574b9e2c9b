"""The free tools by hand: with the mouse, with a finger and with the keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.walking import PHOTOS, overflow, shows_a_picture, sign_in


def send(page: Page) -> str:
    """A photo of 512 × 512; returns its code."""
    page.goto("/edit/")
    page.set_input_files("[data-file] >> nth=0", PHOTOS / "astronaut.png")
    page.wait_for_url("**photo=**")
    return page.url.split("photo=")[1]


def open_tools(page: Page) -> str:
    code = send(page)
    page.click("[data-composer] [data-reshape]")
    page.wait_for_selector("[data-frame][data-free]")
    return code


def credits(page: Page) -> int:
    return page.evaluate("studio.api('GET', '/api/v1/me/').then((me) => me.balance.credit)")


def made(page: Page) -> dict[str, object]:
    """Save, and what the API says of the picture whose page opens."""
    page.click("[data-save]")
    page.wait_for_url(re.compile(r"/pictures/[0-9a-f-]{36}/$"))
    assert shows_a_picture(page, ".picture__image")
    code = page.url.rstrip("/").rsplit("/", 1)[1]
    return page.evaluate("(one) => studio.api('GET', `/api/v1/photos/${one}/`)", code)


def test_a_photo_is_turned_cut_and_made_smaller_for_nothing(guest: Page) -> None:
    code = open_tools(guest)
    expect(guest.locator("[data-save]")).to_be_disabled()
    guest.click("[data-turn='90']")
    guest.check("[name=aspect][value='3:4']", force=True)
    expect(guest.locator("[data-result]")).to_have_text("384 × 512")
    guest.fill("[name=side]", "256")
    expect(guest.locator("[data-result]")).to_have_text("192 × 256")
    picture = made(guest)
    assert (picture["width"], picture["height"], picture["parent"]) == (192, 256, code)
    assert picture["recipe"].keys() == {"degrees", "box", "side"}
    assert credits(guest) == 5
    expect(guest.locator(f".sources a[href='/pictures/{code}/']")).to_be_visible()


def test_a_corner_under_a_finger_keeps_the_shape(visit: Callable[..., Page]) -> None:
    page = sign_in(visit(has_touch=True, is_mobile=True))
    open_tools(page)
    page.tap("label:has([value='9:16'])")
    corner = page.locator("[data-corner=se]").bounding_box()
    x, y = corner["x"] + 16, corner["y"] + 16
    finger = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x - 50, "y": y - 60}]),
        ("touchEnd", []),
    ):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    said = page.locator("[data-result]").inner_text()
    width, height = map(int, said.split(" × "))
    assert 300 < height < 460
    assert abs(width / height - 9 / 16) < 0.01
    assert overflow(page) == 0
    picture = made(page)
    assert f"{picture['width']} × {picture['height']}" == said


def test_the_keyboard_alone_is_enough(guest: Page) -> None:
    open_tools(guest)
    guest.focus("[data-frame]")
    for _ in range(5):
        guest.keyboard.press("Shift+ArrowLeft")
    guest.focus("[data-mirror]")
    guest.keyboard.press("Enter")
    guest.focus("[data-save]")
    guest.keyboard.press("Enter")
    guest.wait_for_url(re.compile(r"/pictures/[0-9a-f-]{36}/$"))
    expect(guest.locator("h1")).to_have_text("Mirrored, cropped")


def test_the_preview_is_what_the_server_makes(guest: Page) -> None:
    open_tools(guest)
    for step in ("[data-turn='90']", "[data-mirror]", "[data-turn='90']", "[data-turn='270']"):
        guest.click(step)
    shown = guest.evaluate(SAMPLES, "[data-canvas]")
    made(guest)
    comes = guest.evaluate(SAMPLES, ".picture__image")
    assert max(abs(one - other) for one, other in zip(shown, comes, strict=True)) < 16


SAMPLES = """async (selector) => {
  const from = document.querySelector(selector);
  if (from.decode) await from.decode();
  const sheet = Object.assign(document.createElement('canvas'), {width: 8, height: 8});
  const pen = sheet.getContext('2d');
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(from, 0, 0, 8, 8);
  return [...pen.getImageData(0, 0, 8, 8).data];
}"""


def test_a_card_of_before_and_after_is_a_picture_of_its_own(guest: Page) -> None:
    code = send(guest)
    guest.fill("[name=prompt]", "black and white")
    guest.click("[data-send]")
    guest.wait_for_selector(".turn--done [data-use][aria-pressed=true]")
    result = guest.url.split("photo=")[1]
    assert result != code
    guest.goto(f"/pictures/{result}/")
    guest.click("[data-card]")
    guest.wait_for_url(lambda url: result not in url)
    expect(guest.locator("h1")).to_have_text("Before and after")
    assert credits(guest) == 4
