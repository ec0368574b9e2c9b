"""A small part of each proof in every test run; `make chaos` has all of them."""

from __future__ import annotations

import os

import pytest

from tests.chaos import bot, matrix, run, stand

ROWS = ("402", "corrupt", "calls thrice")


@pytest.fixture(autouse=True)
def _stand() -> None:
    if reason := stand.missing():
        (pytest.fail if os.environ.get("REQUIRE_ALL") else pytest.skip)(reason)


def test_nothing_is_lost_in_a_small_storm() -> None:
    assert run.main(jobs=30, kills=6, seed=7, seconds=15, step_max=0.6) == []


def test_whenever_a_worker_dies_over_a_bad_answer_it_is_a_picture_or_the_money_back() -> None:
    assert matrix.main(ROWS, deadline=120, read_seconds=60) == []


def test_a_bot_that_dies_in_the_middle_of_conversations_loses_and_doubles_nothing() -> None:
    assert bot.main(kills=2, people=3, seed=5) == []
