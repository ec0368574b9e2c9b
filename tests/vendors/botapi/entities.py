"""Formatted texts: Telegram's HTML, its lengths in UTF-16 units, and what it finds by itself.

The messages of errors and the tags are those of TDLib's parser. Markdown is not understood here.
"""

from __future__ import annotations

import re
from typing import Any

from tests.vendors.botapi.params import Params, Refusal, need

KINDS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline",
    "ins": "underline", "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough",
    "tg-spoiler": "spoiler", "span": "spoiler", "a": "text_link", "code": "code", "pre": "pre",
    "blockquote": "blockquote", "tg-emoji": "custom_emoji",
}  # fmt: skip
ATTRIBUTE = re.compile(r"""\s+([^\s=>]++)(?:\s*=\s*("[^"]*"|'[^']*'|[\w.-]+)|(?!\s*=))""")
CHARACTER = re.compile(r"&(?:#(x?)([0-9a-fA-F]{1,8})|(lt|gt|amp|quot));?")
PLAIN = re.compile(r"&?[^<&]*")
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
FOUND = {
    "bot_command": re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])"),
    "mention": re.compile(r"(?<![\w@/])@[A-Za-z]\w{3,31}"),
    "hashtag": re.compile(r"(?<!\w)#\w*[^\W\d]\w*"),
    "url": re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)]"),
}
Entity = dict[str, Any]


def units(text: str) -> int:
    """Telegram counts in UTF-16 code units: most emoji are two."""
    return len(text.encode("utf-16-le")) // 2


def formatted(params: Params, name: str, entities_name: str) -> tuple[str, list[Entity]]:
    """A text of a request and its entities, the given ones and the found ones."""
    text, mode = params.text(name), params.text("parse_mode").lower()
    need(mode in ("", "none", "html"), "unsupported parse_mode")
    given = params.data(entities_name) or []
    text, entities = parse_html(text) if mode == "html" else (text, given)
    text, entities = _trimmed(text, entities)
    return text, sorted(_with_found(text, entities), key=lambda e: (e["offset"], -e["length"]))


def body(params: Params) -> tuple[str, list[Entity]]:
    """The text of a message."""
    need(params.text("text"), "message text is empty")
    text, entities = formatted(params, "text", "entities")
    need(text, "text must be non-empty")
    need(units(text) <= 4096, "message is too long")
    return text, entities


def caption(params: Params) -> tuple[str, list[Entity]]:
    """What stands under a picture, possibly nothing."""
    text, entities = formatted(params, "caption", "caption_entities")
    need(units(text) <= 1024, "message caption is too long")
    return text, entities


def found_in(text: str) -> list[Entity]:
    """Commands, mentions, hashtags and links that nobody has marked."""
    return [
        {"type": kind, "offset": units(text[: m.start()]), "length": units(m[0])}
        for kind, pattern in FOUND.items()
        for m in pattern.finditer(text)
    ]


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Raises Refusal as Telegram does, with the place counted in bytes."""
    parser = _Parser(source)
    try:
        parser.run()
    except _Broken as error:
        raise Refusal(f"can't parse entities: {error}") from None
    return "".join(parser.text), parser.entities


class _Broken(Exception):
    pass


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.length = 0
        self.text: list[str] = []
        self.open: list[tuple[str, str, int]] = []
        self.entities: list[Entity] = []

    def run(self) -> None:
        while self.at < len(self.source):
            if self.source.startswith("</", self.at):
                self._end()
            elif self.source[self.at] == "<":
                self._start()
            else:
                self._words()
        if self.open:
            raise _Broken(f'Can\'t find end tag corresponding to start tag "{self.open[-1][0]}"')

    def _words(self) -> None:
        escaped = CHARACTER.match(self.source, self.at)
        match = escaped or PLAIN.match(self.source, self.at)
        words = _unescaped(escaped) if escaped else match[0]  # type: ignore[index]
        self.at = match.end()  # type: ignore[union-attr]
        self.text.append(words)
        self.length += units(words)

    def _start(self) -> None:
        name = re.compile(r"<([^\s>]*)").match(self.source, self.at)
        tag = name[1].lower()  # type: ignore[index]
        if name.end() == len(self.source):  # type: ignore[union-attr]
            raise _Broken(f"Unclosed start tag at byte offset {self._place}")
        if tag not in KINDS:
            raise _Broken(f'Unsupported start tag "{tag}" at byte offset {self._place}')
        argument, after = self._attributes(tag, name.end())  # type: ignore[union-attr]
        if tag == "span" and argument != "tg-spoiler":
            why = 'Tag "span" must have class "tg-spoiler"'
            raise _Broken(f"{why} at byte offset {self._place}")
        self.open.append((tag, argument, self.length))
        self.at = after

    def _attributes(self, tag: str, at: int) -> tuple[str, int]:
        """The one attribute that means something to this tag, and the place after the tag."""
        wanted = {"a": "href", "code": "class", "span": "class", "tg-emoji": "emoji-id"}.get(tag)
        argument = ""
        while match := ATTRIBUTE.match(self.source, at):
            if match[2] is None and tag != "blockquote":
                why = f'Expected equal sign in declaration of an attribute of the tag "{tag}"'
                raise _Broken(f"{why} at byte offset {self._place}")
            if match[1] == wanted:
                argument = CHARACTER.sub(_unescaped, match[2].strip("\"'"))
            at = match.end()
        closed = re.compile(r"\s*>").match(self.source, at)
        if not closed:
            raise _Broken(f"Unclosed start tag at byte offset {self._place}")
        return argument, closed.end()

    def _end(self) -> None:
        if not self.open:
            raise _Broken(f"Unexpected end tag at byte offset {self._place}")
        match = re.compile(r"</([^\s>]*)\s*>").match(self.source, self.at)
        if not match:
            raise _Broken(f"Unclosed end tag at byte offset {self._place}")
        tag, argument, begin = self.open.pop()
        if match[1] and match[1].lower() != tag:
            where = f"Unmatched end tag at byte offset {self._place}"
            raise _Broken(f'{where}, expected "</{tag}>", found "</{match[1].lower()}>"')
        self.at = match.end()
        if self.length > begin:
            self._mark(tag, argument, begin)

    def _mark(self, tag: str, argument: str, begin: int) -> None:
        entity: Entity = {"type": KINDS[tag], "offset": begin, "length": self.length - begin}
        if tag == "a":
            if not re.match(r"(https?|tg|mailto):", argument):
                return  # Telegram keeps the words and drops a link that is none
            entity["url"] = argument
        if tag == "tg-emoji":
            if not argument.isdigit():
                raise _Broken("Invalid custom emoji identifier specified")
            entity["custom_emoji_id"] = argument
        if tag == "code" and argument and self.open and self.open[-1][0] == "pre":
            self.open[-1] = ("pre", argument, self.open[-1][2])
            return  # it only names the language of the listing around it
        if tag == "pre" and argument:
            entity["language"] = argument.removeprefix("language-")
        self.entities.append(entity)

    @property
    def _place(self) -> int:
        return len(self.source[: self.at].encode())


def _unescaped(match: re.Match[str]) -> str:
    if match[3]:
        return NAMED[match[3]]
    return chr(int(match[2], 16 if match[1] else 10))


def _trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Space around a text is cut off, and out of its entities."""
    cut, kept = units(text) - units(text.lstrip()), text.strip()
    moved = []
    for entity in entities:
        begin = max(entity["offset"] - cut, 0)
        end = min(entity["offset"] + entity["length"] - cut, units(kept))
        if end > begin:
            moved.append({**entity, "offset": begin, "length": end - begin})
    return kept, moved


def _with_found(text: str, entities: list[Entity]) -> list[Entity]:
    taken = [e for e in entities if e["type"] in ("code", "pre", "text_link")]
    return entities + [
        new for new in found_in(text)
        if not any(_overlap(new, old) for old in taken) and new not in entities
    ]  # fmt: skip


def _overlap(one: Entity, other: Entity) -> bool:
    first, second = sorted((one, other), key=lambda e: e["offset"])
    return first["offset"] + first["length"] > second["offset"]
