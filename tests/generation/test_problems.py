"""Every code that can reach a person has a sentence, and nothing else gets into it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generation.problems import SENTENCES, STAGES, sentence
from generation.providers.local import STAGES as LOCAL_STAGES

ROOT = Path(__file__).parents[2] / "generation"
STAFF_ONLY = {"tool_unknown", "nothing_waits"}


def codes_in_code() -> set[str]:
    raised = re.compile(r'(?:ProviderError|PhotoError|refused)\(\s*"(\w+)"|Fit\(None, "(\w+)"')
    texts = [path.read_text() for path in ROOT.rglob("*.py")]
    return {code for text in texts for pair in raised.findall(text) for code in pair if code}


def test_every_code_has_a_sentence() -> None:
    codes = codes_in_code()
    assert len(codes) > 25
    assert codes - STAFF_ONLY - set(SENTENCES) == set()


@pytest.mark.parametrize("stage", [*LOCAL_STAGES, "starting", "saving", "queued"])
def test_every_stage_has_words(stage: str) -> None:
    assert str(STAGES[stage])


def test_a_code_without_a_sentence_says_that_it_is_our_fault() -> None:
    assert sentence("vendor_exploded") == SENTENCES["broken"]


def test_words_are_put_into_the_sentence_and_missing_ones_leave_it_whole() -> None:
    assert "“fly, sing”" in sentence("not_understood", {"words": ["fly", "sing"]})
    assert "“…”" in sentence("not_understood")
