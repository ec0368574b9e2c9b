"""What a provider is: an order goes in, pictures come out. Nothing here knows a database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

Box = tuple[float, float, float, float]
"""Left, top, width and height as fractions (0 to 1) of the upright picture."""

Report = Callable[[int, str], None]
"""``report(percent, stage)``: call it between steps. It raises when the job is no longer ours."""


@dataclass(frozen=True)
class Order:
    """Everything that a provider needs, already checked: bytes, not links.

    ``pictures`` are cleaned JPEG or PNG files, upright. Try-on: person, item. Edit: base, then
    references. Imagine: none.
    """

    code: str
    tool: str
    prompt: str = ""
    pictures: tuple[bytes, ...] = ()
    zone: str = "body"
    box: Box | None = None
    aspect: str = "auto"
    count: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Done:
    """The finished pictures as encoded files, and what they cost the owner in rubles."""

    pictures: tuple[bytes, ...]
    model: str = ""
    cost: Decimal = Decimal("0")


@dataclass(frozen=True)
class Waiting:
    """An outside provider took the order: ask again with ``ref`` after ``check_in`` seconds."""

    ref: str
    check_in: float
    percent: int = 0


class ProviderError(Exception):
    """Why no picture came. ``code`` names a sentence for the person, ``detail`` is for staff only.

    ``permanent`` says that the same order would fail again.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        permanent: bool = True,
        data: dict[str, object] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.permanent = permanent
        self.data = data or {}


@dataclass(frozen=True)
class Fit:
    """Where an item would go on the person, or why the studio cannot tell (``reason``)."""

    box: Box | None
    reason: str = ""


class Provider(Protocol):
    """The two verbs, and two questions that are asked before anything is charged.

    ``examine`` raises what cannot be done; ``locate`` says where an item would go on a person.
    """

    name: str
    tools: frozenset[str]

    def examine(self, order: Order) -> None: ...

    def locate(self, person: bytes, zone: str) -> Fit: ...

    def start(self, order: Order, report: Report) -> Done | Waiting: ...

    def check(self, ref: str, order: Order, report: Report) -> Done | Waiting: ...
