"""The job's page while the job runs: reloads, cut sockets, cancelling."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.e2e.walking import ask, sign_in

MANY = {"tool": "imagine", "prompt": "a starry night over mountains", "aspect": "1:1", "count": 2}


def queue_up(page: Page) -> str:
    """Enough work that the last job waits for a while; returns its code."""
    return [ask(page, **MANY) for _ in range(3)][-1]


def test_a_reload_shows_the_running_job_and_then_its_pictures(guest: Page) -> None:
    code = queue_up(guest)
    guest.goto(f"/jobs/{code}/")
    expect(guest.locator("[data-cancel]")).to_be_visible()
    guest.reload()
    expect(guest.locator("[data-stage]")).not_to_be_empty()
    guest.wait_for_selector(".job--done")
    expect(guest.locator(".job__picture")).to_have_count(2)


def test_the_page_recovers_when_its_socket_is_cut(guest: Page) -> None:
    opened: list[WebSocketRoute] = []

    def cut_the_first(socket: WebSocketRoute) -> None:
        opened.append(socket)
        if len(opened) == 1:
            socket.close(code=1012)
        else:
            socket.connect_to_server()

    guest.route_web_socket("**/ws/**", cut_the_first)
    guest.goto(f"/jobs/{queue_up(guest)}/")
    guest.wait_for_selector(".job--done")
    assert len(opened) >= 2


def test_the_page_asks_by_itself_where_sockets_do_not_work(guest: Page) -> None:
    guest.route_web_socket("**/ws/**", lambda socket: socket.close(code=1011))
    guest.goto(f"/jobs/{queue_up(guest)}/")
    guest.wait_for_selector(".job--done")


def test_a_cancelled_job_says_that_nothing_was_charged_and_offers_another_try(guest: Page) -> None:
    code = queue_up(guest)
    guest.goto(f"/jobs/{code}/")
    guest.click("[data-cancel]")
    expect(guest.locator(".job--cancelled")).to_contain_text("Nothing was charged")
    guest.click("[data-retry]")
    guest.wait_for_url(lambda url: "/jobs/" in url and code not in url)
    guest.wait_for_selector(".job--done")


def test_the_card_at_home_turns_into_the_result_in_place(guest: Page) -> None:
    code = queue_up(guest)
    guest.goto("/")
    card = guest.locator(f"[data-job='{code}']")
    expect(card).to_be_visible()
    expect(card).to_have_attribute("data-state", "done", timeout=15_000)


def test_a_job_of_somebody_else_is_not_there(visit: Callable[..., Page]) -> None:
    mine, other = sign_in(visit()), sign_in(visit())
    assert other.goto(f"/jobs/{ask(mine, **MANY | {'count': 1})}/").status == 404
