"""What nginx says by itself is said as the studio says it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.utils import translation

from aibot.api import SENTENCES
from generation.problems import sentence

ERRORS = Path(__file__).parents[2] / "docker" / "nginx" / "errors"
TEXTS = {
    "body_too_large": lambda: SENTENCES["body_too_large"],
    "photo_too_large": lambda: sentence("photo_too_large"),
    "too_fast": lambda: SENTENCES["too_many_requests"] % {"seconds": 5},
}
CODES = {"too_fast": "too_many_requests", "busy": "unavailable"}
languages = pytest.mark.parametrize("language", ["en", "ru"])


def error(language: str, name: str) -> dict[str, str]:
    return json.loads((ERRORS / language / f"{name}.json").read_text())["error"]


@languages
@pytest.mark.parametrize("name", TEXTS)
def test_its_refusals_are_the_studios_own(language: str, name: str) -> None:
    with translation.override(language):
        message = str(TEXTS[name]())
    assert error(language, name) == {"code": CODES.get(name, name), "message": message}


@languages
def test_whatever_it_may_answer_is_there_in_each_language(language: str) -> None:
    site = (ERRORS.parent / "site.conf").read_text()
    named = {
        word.rstrip(";").rpartition("/")[2]
        for word in site.split()
        if word.startswith("/_errors/$")
    }
    assert named == {path.name for path in (ERRORS / language).iterdir()}
    assert error(language, "busy")["code"] == "unavailable"


def test_a_path_with_a_limit_has_words_for_it() -> None:
    """nginx forgets the pages of the level above where a location names any of its own."""
    site = (ERRORS.parent / "site.conf").read_text()
    blocks = re.findall(r"^location ([^{]+){(.*?)^}", site, re.M | re.S)
    limited = {path: block for path, block in blocks if "limit_" in block}
    assert len(limited) > 5
    for path, block in limited.items():
        assert "error_page 429" in block or "error_page" not in block, path


@languages
@pytest.mark.parametrize("name", ["busy", "too_fast"])
def test_its_pages_need_nothing_that_may_be_down(language: str, name: str) -> None:
    page = (ERRORS / language / f"{name}.html").read_text()
    assert f'<html lang="{language}">' in page
    assert "src=" not in page
    assert "<script" not in page
