"""A shop at YooKassa, over real HTTP, and money that is put there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from billing import audit
from billing.gateways import door
from tests.vendors.yookassa import SECRET, SHOP, YooKassaStub


@pytest.fixture
def yookassa(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[YooKassaStub]:
    """The gateway, patient for a second; our orders were well-formed and the books balance."""
    monkeypatch.setattr(door, "READ_SECONDS", 1.0)
    monkeypatch.setattr(door, "LOOK_SECONDS", 1.0)
    with YooKassaStub() as stub:
        settings.YOOKASSA_URL = stub.address
        settings.YOOKASSA_SHOP_ID, settings.YOOKASSA_SECRET_KEY = SHOP, SECRET
        yield stub
    assert stub.mistakes == []
    assert audit.findings() == []
