"""Understands plain requests in Russian and English: words in, operations and leftovers out.

Each rule is a pattern that eats what it understands. Whatever words remain, idle ones aside, were
not understood, and the request is refused with them rather than half done.
"""

from __future__ import annotations

import re

from .requests import BACK, PERCENT, QUOTED, RULES, Operation
from .words import IDLE, NEGATION, STRENGTHS

MOST_WORDS = 8  # of what was not understood, told to the person
MOST_OF_ONE = 6  # matches of one rule in one clause: a longer row is no request
HOW_MUCH = "|".join(STRENGTHS)


def parse(prompt: str) -> tuple[list[Operation], list[str]]:
    """Operations in the order they were asked for, and the parts that were not understood."""
    operations: list[tuple[int, Operation]] = []
    unknown: list[str] = []
    start = 0
    for clause in _clauses(prompt):
        found, rest = _understood(clause)
        operations += [(start + at, operation) for at, operation in found]
        unknown += rest
        start += len(clause) + 1
    ordered = [operation for _, operation in sorted(operations, key=lambda pair: pair[0])]
    return _once(ordered), unknown[:MOST_WORDS]


def _clauses(prompt: str) -> list[str]:
    """Parts between commas, "and", "but": never inside quotes."""
    text = re.sub(r"\s+", " ", prompt.strip())
    pieces = re.split(rf"({QUOTED})", text)
    held, plain = [], ""
    for index in range(0, len(pieces), 3):  # each quoted piece is captured twice
        plain += pieces[index]
        if index + 1 < len(pieces):
            held.append(pieces[index + 1])
            plain += f"\x00{len(held) - 1}\x00"
    parts = re.split(
        r"[;,!?\n]|\.(?!\d)|\b(?:and(?! white)|but|then|а|но|затем|потом)\b|\bи\b", plain
    )
    back = [re.sub(r"\x00(\d+)\x00", lambda m: held[int(m[1])], part).strip() for part in parts]
    return [part for part in back if part]


def _understood(clause: str) -> tuple[list[tuple[int, Operation]], list[str]]:
    rest = lowered = _without_refusals(_lowered(clause))
    found: list[tuple[int, Operation]] = []

    def eat(match: re.Match[str]) -> str:
        found.append((match.start(), _strengthened(rule.build(match), lowered, clause)))
        return " " * len(match[0])

    for rule in RULES:
        rest = rule.pattern.sub(eat, rest, count=MOST_OF_ONE)
    return found, _leftover(rest)


def _lowered(clause: str) -> str:
    """Lower case, position by position, so that a quoted text can be taken from the original."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in clause)


def _without_refusals(lowered: str) -> str:
    """ "Don't touch the background" asks for nothing; "without a background" asks for a cut-out."""
    for match in re.finditer(rf"(?<!\w)(?:{NEGATION})", lowered):
        if not re.match(rf"(?:without|no|без)\s+(?:a |the )?{BACK}", lowered[match.start() :]):
            return lowered[: match.start()]
    return lowered


def _strengthened(operation: Operation, lowered: str, clause: str) -> Operation:
    """With the strength said in the clause, and the text in its own letters."""
    values = dict(operation.values)
    if "span" in values:
        values["text"] = clause[slice(*values.pop("span"))]
    return Operation(operation.name, operation.amount * _strength(lowered, operation), values)


def _strength(lowered: str, operation: Operation) -> float:
    percent = re.search(PERCENT, lowered)
    if percent and operation.name in BY_PERCENT:
        return max(0.04, min(int(percent[1]), 100) / BY_PERCENT[operation.name])
    for words, factor in STRENGTHS.items():
        if re.search(rf"\b(?:{words})\b", lowered):
            return factor
    return 1.0


# What "by n %" is worth: n divided by this is the amount.
BY_PERCENT = {"brightness": 22, "contrast": 25, "saturation": 40, "warmth": 40, "vignette": 50}


def _leftover(rest: str) -> list[str]:
    rest = re.sub(PERCENT, " ", rest)
    rest = re.sub(rf"\b(?:{HOW_MUCH})\b", " ", rest)
    rest = re.sub(rf"(?<![\w-])(?:{IDLE})(?![\w-])", " ", rest)
    words = re.findall(r"[^\W_][\w'-]*", rest)
    return [" ".join(words)[:60]] if words else []


def _once(operations: list[Operation]) -> list[Operation]:
    """The same operation asked for twice in one request is done once."""
    kept: list[Operation] = []
    for operation in operations:
        if operation not in kept:
            kept.append(operation)
    return kept
