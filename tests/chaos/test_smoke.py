"""A small storm in every test run; `python -m tests.chaos.run` is the large one."""

from __future__ import annotations

import os

import pytest

from tests.chaos import run, stand


def test_nothing_is_lost_in_a_small_storm() -> None:
    if reason := stand.missing():
        (pytest.fail if os.environ.get("REQUIRE_ALL") else pytest.skip)(reason)
    assert run.main(jobs=30, kills=6, seed=7, seconds=15, step_max=0.6) == []
