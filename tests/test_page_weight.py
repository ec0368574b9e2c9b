"""The first page is light: it opens on a phone in a lift."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from generation.models import Photo
from telegram_integration.models import User

MOST_BYTES = 24 * 1024
MOST_SCRIPT_BYTES = 10 * 1024
REFERENCED = re.compile(r'(?:href|src)="/static/([^"#?]+\.(css|js))"')


def weigh(data: bytes) -> int:
    return len(gzip.compress(data, 6))


def weights(page: bytes) -> dict[str, int]:
    """Bytes on the wire of the page and of what it must load before it can be used."""
    total = {"html": weigh(page), "css": 0, "js": 0}
    for name, kind in set(REFERENCED.findall(page.decode())):
        path = finders.find(name)
        assert path, f"{name} is not there"
        total[kind] += weigh(Path(path).read_bytes())
    return total


def check(page: bytes) -> None:
    total = weights(page)
    assert total["css"] > 0, "the page must reference its styles for this test to mean anything"
    assert total["js"] > 0
    assert sum(total.values()) <= MOST_BYTES, total
    assert total["js"] <= MOST_SCRIPT_BYTES, total


@pytest.mark.django_db
def test_sign_in_is_light(client: Client, settings: Any) -> None:
    settings.DEBUG = True
    check(client.get(reverse("sign_in")).content)


@pytest.mark.django_db
def test_home_of_a_guest_is_light(client: Client, settings: Any) -> None:
    settings.DEBUG = True
    answer = client.post(reverse("demo"), follow=True)
    assert answer.request["PATH_INFO"] == reverse("home")
    check(answer.content)


def test_the_free_tools_are_light_in_scripts(
    person: User, signed_in: Callable[[User], Client], photo_of: Callable[..., Photo]
) -> None:
    page = signed_in(person).get(reverse("reshape", args=[photo_of(person).code])).content
    assert 0 < weights(page)["js"] <= MOST_SCRIPT_BYTES


@pytest.mark.parametrize("name", ["gallery", "profile"])
def test_every_other_page_is_light_in_scripts(
    name: str, person: User, signed_in: Callable[[User], Client]
) -> None:
    page = signed_in(person).get(reverse(name)).content
    assert 0 < weights(page)["js"] <= MOST_SCRIPT_BYTES
