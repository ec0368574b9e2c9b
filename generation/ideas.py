"""Three prompts for a picture from a few words: as they are, with one touch, with three.

By rules on this machine, so that somebody who is still typing can be answered at once and for
nothing. The touches are words that the built-in provider understands as well.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext_lazy as _

TOUCHES = {
    "sunset": _("at sunset"),
    "dawn": _("at dawn"),
    "night": _("on a starry night"),
    "calm": _("calm and soft"),
    "bright": _("in bright, joyful colours"),
    "mist": _("with a little mist"),
    "clouds": _("with light clouds"),
    "detail": _("rich in detail"),
    "wide": _("seen from afar"),
}
HOURS, MOODS, AIR = ("sunset", "dawn", "night"), ("bright", "calm"), ("clouds", "mist")
ALWAYS = ("detail", "wide")
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


@dataclass(frozen=True)
class Idea:
    """``kind`` is short, balanced or detailed. Touches are named, for words change with deploys."""

    kind: str
    touches: tuple[str, ...]


def of(words: str) -> list[Idea]:
    """The same for the same words, and no two alike. None where there are no words."""
    if not _plain(words):
        return []
    touches = _fitting(words.lower())
    return [Idea("short", ()), Idea("balanced", touches[:1]), Idea("detailed", touches[:3])]


def prompt(words: str, touches: Iterable[str]) -> str:
    """What is drawn, in the language of the words. A touch that is known no more is left out."""
    with translation.override("ru" if CYRILLIC.search(words) else "en"):
        more = [str(TOUCHES[name]) for name in touches if name in TOUCHES]
    return ", ".join([_plain(words), *more])


def _plain(words: str) -> str:
    return " ".join(words.split()).rstrip(" .,;")


def _fitting(words: str) -> tuple[str, ...]:
    """An hour, a mood and the air, as far as the words say nothing of them; and more."""
    from generation.providers.local import palettes, skies  # OpenCV comes with them

    moods = [mood for mood, _saturation, _lightness in palettes.MOODS.values()]
    said_by = ((HOURS, palettes.HOURS.values()), (MOODS, moods),
               (AIR, (*skies.WEATHER.values(), skies.CLOUDS, skies.FOG)))  # fmt: skip
    luck = zlib.crc32(words.encode())
    free = [
        touches[luck % len(touches)]
        for touches, patterns in said_by
        if not any(palettes.has(words, pattern) for pattern in patterns)
    ]
    return (*free, *ALWAYS)
