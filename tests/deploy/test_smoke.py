"""A few deploys in every test run; `make deploy-test` has the long proof, before a crowd."""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.deploy import host, run


@pytest.fixture(autouse=True)
def _host() -> None:
    if reason := host.missing():
        (pytest.fail if os.environ.get("REQUIRE_ALL") else pytest.skip)(reason)


def test_deploys_a_rollback_and_a_broken_build_are_felt_by_nobody() -> None:
    small = run.main(2, 1, 1, rate=8, sockets=12, jobs=4, workers=1, drain=2)
    wrong, _late = asyncio.run(small)
    assert wrong == []
