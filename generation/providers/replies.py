"""What a model said, made fit for a person: read strictly, cleaned, and bounded.

A model may be talked into anything by the words or the photo it was shown. So nothing of its reply
is believed: four texts are taken out of it, and links, names of channels, tags and invisible
characters out of those.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from generation.providers.base import Answer

SENTENCE = "sentence"
KINDS = ("short", "balanced", "detailed")
LIMITS = {SENTENCE: 400, **dict.fromkeys(KINDS, 1000)}
MOST_CHARACTERS = 20_000
"""Of a reply that is read at all."""
RUN = 40
"""Letters in a row that are nobody's by chance: a line of 60 characters holds as many."""
SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in LIMITS},
    "required": list(LIMITS),
    "additionalProperties": False,
}

ENDINGS = (
    "com|org|net|info|biz|ru|su|рф|io|me|ai|co|uk|de|eu|dev|app|xyz|site|online|shop|store|top|gg"
    "|ly|pro|club|link|live|tv|cc|cn|pw|to|in|page|cloud|internal|local|onion|example"
)
UNWANTED = [
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"<(sd_cpp\w*)[^<>]*>.*?(?:</\1>|$)",
        r"</?[a-z!][^<>]*>",
        r"[a-z][a-z0-9+.-]*://\S*",
        r"\b(?:javascript|vbscript|data|file|mailto|tel|tg|blob):\S+",
        r"(?<!\w)//[\w.-]+\S*",
        r"\bwww\.\S+",
        r"\S*@\w\S*",
        r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])(?::\d+)?(?:/\S*)?",
        rf"(?<!\w)(?:[\w-]+\.)+(?:{ENDINGS})(?!\w)(?::\d+)?(?:/\S*)?",
        r"\blocalhost\b(?::\d+)?(?:/\S*)?",
    )
]
MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()]|\([^()]*\))*\)")
FENCE = re.compile(r"\s*```\w*\s*(.*?)\s*```\s*", re.DOTALL)
PASSES = 8
"""Taking something out may put together what stood around it."""
KEPT = (
    "{words}",
    "{words}. Keep the faces, the pose and everything else as they are.",
    "{words}. Keep the faces, the pose and everything else as they are; match the light, the "
    "colours and the perspective of the photo; the result looks like one real photograph.",
)


class Unfit(Exception):
    """What is wrong with a reply, in words that the model may be told."""


def read(reply: str, instructions: str) -> Answer:
    """The answer in a model's reply. Raises Unfit."""
    texts = {name: _text(name, value) for name, value in _fields(reply).items()}
    if any(_repeats(text, instructions) for text in texts.values()):
        raise Unfit("it repeats the instructions")
    if foreign := [kind for kind in KINDS if not _is_english(texts[kind])]:
        raise Unfit(f"not in English: {', '.join(foreign)}")
    return Answer(texts[SENTENCE], tuple((kind, texts[kind]) for kind in KINDS))


def makeshift(words: str, language: str) -> Answer:
    """An honest stand-in made of the person's own words."""
    wish = cleaned(words)[:600].strip(" .") or "Make the light and the colours a little better"
    with translation.override(language):
        said = _("The assistant found no good words this time, so here are your own. It is free.")
    prompts = zip(KINDS, (text.format(words=wish) for text in KEPT), strict=True)
    return Answer(said, tuple(prompts), makeshift=True)


def cleaned(text: str) -> str:
    """One line without links, addresses, names of channels, tags and invisible characters."""
    text = _plain(text)
    for _pass in range(PASSES):
        before = text
        text = MARKDOWN_LINK.sub(r"\1", text)
        for pattern in UNWANTED:
            text = pattern.sub(" ", text)
        if text == before:
            break
    return " ".join(re.sub(r"[<>]", " ", text).split())


def _fields(reply: str) -> dict[str, Any]:
    if len(reply) > MOST_CHARACTERS:
        raise Unfit("it is far too long")
    fenced = FENCE.fullmatch(reply)
    try:
        data = json.loads(fenced[1] if fenced else reply)
    except (ValueError, RecursionError):
        raise Unfit("it is not one JSON object") from None
    if not isinstance(data, dict):
        raise Unfit("it is not one JSON object")
    return {name: data.get(name) for name in LIMITS}


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise Unfit(f"{name} is not a text")
    text = cleaned(value)
    if not text or len(text) > LIMITS[name]:
        raise Unfit(f"{name} must have 1 to {LIMITS[name]} characters, and no links or tags")
    return text


def _plain(text: str) -> str:
    """Letters in their usual form; what cannot be seen is gone, a line's end is a space."""
    text = unicodedata.normalize("NFKC", text)
    return "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character)[0] != "C"
    )


def _is_english(text: str) -> bool:
    """By its letters; a caption inside may be in any language."""
    letters = [character for character in text if character.isalpha()]
    return 2 * sum(letter.isascii() for letter in letters) >= max(1, len(letters))


def _repeats(text: str, instructions: str) -> bool:
    """Whether a long run of the instructions stands in the text, however it is spaced."""
    said, secret = _letters(text), _letters(instructions)
    return any(secret[at : at + RUN] in said for at in range(len(secret) - RUN + 1))


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in plain if character.isalnum())
