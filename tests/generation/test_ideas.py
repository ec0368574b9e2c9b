"""Ideas for a picture, made of the words that somebody is still typing."""

from __future__ import annotations

import pytest

from generation import ideas
from generation.providers.local import palettes, skies


def test_there_are_three_from_the_words_alone_to_many_touches() -> None:
    found = ideas.of("a fox")
    assert [idea.kind for idea in found] == ["short", "balanced", "detailed"]
    assert [len(idea.touches) for idea in found] == [0, 1, 3]
    assert ideas.of("a fox") == found
    assert ideas.of("a boat") != found or ideas.of("a cat") != found


def test_what_the_words_say_already_is_not_added() -> None:
    touches = {name for idea in ideas.of("a city at night, calm") for name in idea.touches}
    assert not touches & {*ideas.HOURS, *ideas.MOODS}


def test_words_that_say_everything_are_drawn_in_other_ways() -> None:
    found = ideas.of("a quiet lake in the morning mist")
    assert [idea.touches for idea in found] == [(), ("detail",), ("detail", "wide")]


@pytest.mark.parametrize("words", ["", "  ", " . , ;"])
def test_without_words_there_is_no_idea(words: str) -> None:
    assert ideas.of(words) == []


def test_a_prompt_is_the_words_and_their_touches() -> None:
    assert ideas.prompt(" a  fox. ", ["sunset", "detail"]) == "a fox, at sunset, rich in detail"
    assert ideas.prompt("a fox", ["of another version"]) == "a fox"


@pytest.mark.parametrize("words", ["a fox", "лиса"])
@pytest.mark.parametrize("name", [*ideas.HOURS, *ideas.MOODS])
def test_the_built_in_provider_understands_an_hour_and_a_mood(name: str, words: str) -> None:
    said = ideas.prompt(words, [name])
    understood = {**palettes.HOURS, **{mood: one[0] for mood, one in palettes.MOODS.items()}}
    assert palettes.has(said, understood[name])


@pytest.mark.parametrize("words", ["a fox", "лиса"])
@pytest.mark.parametrize(("name", "pattern"), [("clouds", skies.CLOUDS), ("mist", skies.FOG)])
def test_the_built_in_provider_understands_the_air(name: str, pattern: str, words: str) -> None:
    assert palettes.has(ideas.prompt(words, [name]), pattern)
