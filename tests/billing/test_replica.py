"""A copy of the database is asked where somebody only looks, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connections, router
from django.test import Client

from billing import replica
from billing.models import Lot
from telegram_integration.models import User


@pytest.fixture
def copy(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A second alias of the same database, as if it were a copy."""
    settings.DATABASE_ROUTERS = ["billing.replica.Router"]
    monkeypatch.setattr(router, "routers", [replica.Router()])
    monkeypatch.setitem(connections.settings, "replica", connections.settings["default"])
    monkeypatch.setattr(connections["default"], "ensure_connection", lambda: None)
    setattr(connections._connections, "replica", connections["default"])  # noqa: B010
    yield
    delattr(connections._connections, "replica")


@pytest.mark.usefixtures("copy")
@pytest.mark.django_db
def test_only_what_is_looked_at_comes_from_the_copy() -> None:
    assert Lot.objects.all().db == "default"
    with replica.reading():
        assert Lot.objects.all().db == "replica"
        assert router.db_for_write(Lot) == "default"
    assert Lot.objects.all().db == "default"
    assert not router.allow_migrate("replica", "billing")


@pytest.mark.usefixtures("copy")
@pytest.mark.django_db
def test_where_the_copy_is_away_the_primary_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("no connection")

    monkeypatch.setattr(connections["replica"], "ensure_connection", refuse)
    with replica.reading():
        assert Lot.objects.all().db == "default"


@pytest.mark.usefixtures("copy")
def test_reports_come_from_the_copy(
    signed_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    asked = []
    original = replica.Router.db_for_read
    monkeypatch.setattr(
        replica.Router, "db_for_read",
        lambda self, model, **hints: asked.append((model.__name__, original(self, model))) or None,
    )  # fmt: skip
    boss = User.objects.create_superuser("boss")
    asked.clear()
    assert signed_in(boss).get("/admin/reports/").status_code == 200
    assert ("Payment", "replica") in asked or ("Job", "replica") in asked
    assert ("Session", None) in asked
