"""What most tests begin with: people with accounts, photos with files, a provider that obeys."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import translation
from rest_framework.test import APIClient

from billing import ledger
from generation import photos, sandbox
from generation.models import Photo
from generation.providers import PROVIDERS
from generation.providers.base import Done, Fit, Order, ProviderError, Report, Waiting
from telegram_integration.models import User
from tests.pictures import picture_file


@pytest.fixture(autouse=True)
def _seeded(request: pytest.FixtureRequest) -> None:
    """Products, prices and prompts are there: a transactional test empties all tables after it."""
    marker = request.node.get_closest_marker("django_db")
    if marker or "db" in request.fixturenames:
        transactional = marker and marker.kwargs.get("transaction")
        request.getfixturevalue("transactional_db" if transactional else "db")
        call_command("seed")


@pytest.fixture(autouse=True)
def _apart(settings: Any, tmp_path: Path) -> None:
    """Files, caches and the language of one test never meet another's."""
    translation.activate("en")
    settings.MEDIA_ROOT = tmp_path / "media"
    if settings.CACHE_URL:  # to clear a Redis would clear it under the tests that run beside
        kept = settings.CACHES["default"]
        settings.CACHES = {"default": kept | {"KEY_PREFIX": uuid.uuid4().hex}}
    else:
        cache.clear()


@pytest.fixture(scope="session", autouse=True)
def _no_child_stays() -> Any:
    yield
    sandbox.close()


def make_person(username: str, **fields: Any) -> User:
    user = User.objects.create_user(username, **fields)
    ledger.open_account(user.pk)
    return user


@pytest.fixture
def person(db: None) -> User:
    """Somebody with the welcome credits: 5 credits, 10 free actions to come."""
    return make_person("ann")


@pytest.fixture
def stranger(db: None) -> User:
    return make_person("bob")


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def api(person: User) -> APIClient:
    """The API as ``person`` sees it."""
    client = APIClient()
    client.force_authenticate(person)
    return client


@pytest.fixture
def photo_of() -> Callable[..., Photo]:
    """A stored photo of somebody, with real files."""

    def make(user: User, colour: str = "teal") -> Photo:
        return photos.ingest(user.pk, picture_file(colour))

    return make


class Obedient:
    """A provider for tests: answers what it is told, counts how often it is asked."""

    name = "obedient"
    tools = frozenset({"tryon", "edit", "imagine"})

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.answer: Done | Waiting | Exception = Done((picture_file("coral"),), "obedient-1")
        self.refusal: ProviderError | None = None
        self.place = Fit((0.25, 0.25, 0.5, 0.5))

    def examine(self, order: Order) -> None:
        if self.refusal:
            raise self.refusal

    def locate(self, person: bytes, zone: str) -> Fit:
        return self.place

    def start(self, order: Order, report: Report) -> Done | Waiting:
        self.orders.append(order)
        report(50, "fitting")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def check(self, ref: str, order: Order, report: Report) -> Done | Waiting:
        return self.start(order, report)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Obedient:
    obedient = Obedient()
    monkeypatch.setitem(PROVIDERS, obedient.name, lambda _config: obedient)
    settings.PROVIDER = obedient.name
    return obedient
