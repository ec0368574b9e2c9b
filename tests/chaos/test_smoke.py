"""A small storm and a part of the failure matrix in every test run; `make chaos` has all of it."""

from __future__ import annotations

import os

import pytest

from tests.chaos import matrix, run, stand

ROWS = ("402", "corrupt", "calls thrice")


@pytest.fixture(autouse=True)
def _stand() -> None:
    if reason := stand.missing():
        (pytest.fail if os.environ.get("REQUIRE_ALL") else pytest.skip)(reason)


def test_nothing_is_lost_in_a_small_storm() -> None:
    assert run.main(jobs=30, kills=6, seed=7, seconds=15, step_max=0.6) == []


def test_whenever_a_worker_dies_over_a_bad_answer_it_is_a_picture_or_the_money_back() -> None:
    assert matrix.main(ROWS, deadline=120, read_seconds=60) == []
