"""What a provider is: an order goes in, pictures come out. Nothing here knows a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

Box = tuple[float, float, float, float]
"""Left, top, width and height as fractions (0 to 1) of the upright picture."""

Report = Callable[[int, str], None]
"""``report(percent, stage)``: call it between steps. It raises when the job is no longer ours."""

# The taxonomy of what goes wrong with an outside provider; each code has a sentence for the person.
TRANSIENT = "transient"
"""A passing fault: another provider, or the same one later, may well succeed."""
RATE_LIMITED = "rate_limited"
"""Too many requests; ``wait`` says for how many seconds."""
MISCONFIGURED = "misconfigured"
"""Key, address, model or rights are wrong: staff must act."""
NO_CREDITS = "no_credits"
"""Our account with the vendor is empty: the owner must act."""
INVALID_INPUT = "invalid_input"
"""The vendor cannot work with this photo or these words."""
POLICY = "policy"
"""The vendor refuses what was asked for."""
NO_IMAGE = "no_image"
"""It answered, but without a picture that can be used."""
OUTCOME_UNKNOWN = "outcome_unknown"
"""The order may have been accepted: look it up before ordering again."""

PERSONS_OWN = frozenset({INVALID_INPUT, POLICY})
"""Reasons that lie in the order itself: asking another provider would not help."""


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
    """The finished pictures as encoded files.

    ``cost`` is what they cost the owner in rubles; None: the vendor did not say, see the price row.
    """

    pictures: tuple[bytes, ...]
    model: str = ""
    cost: Decimal | None = Decimal(0)


@dataclass(frozen=True)
class Waiting:
    """An outside provider took the order: ask again with ``ref`` after ``check_in`` seconds."""

    ref: str
    check_in: float
    percent: int = 0


class ProviderError(Exception):
    """Why no picture came. ``code`` names a sentence for the person, ``detail`` is for staff only.

    ``accepted`` is False where the vendor provably did not take the order, True where it did, and
    None where nobody knows. ``permanent`` says that the same order would fail again.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        permanent: bool = True,
        accepted: bool | None = False,
        wait: float | None = None,
        data: dict[str, object] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.permanent = permanent
        self.accepted = accepted
        self.wait = wait
        self.data = data or {}


@dataclass(frozen=True)
class Fit:
    """Where an item would go on the person, or why the studio cannot tell (``reason``)."""

    box: Box | None
    reason: str = ""


@dataclass(frozen=True)
class Config:
    """What an adapter is set up with, from the environment and rows.

    ``options`` holds model ids, field names, limits and prices; an adapter's docstring says which.
    """

    base_url: str = ""
    key: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


class Provider(Protocol):
    """The two verbs, and two questions that are asked before anything is charged.

    ``examine`` raises what cannot be done; ``locate`` says where an item would go on a person, or
    that this provider needs no place.
    """

    name: str
    tools: frozenset[str]

    def examine(self, order: Order) -> None: ...

    def locate(self, person: bytes, zone: str) -> Fit: ...

    def start(self, order: Order, report: Report) -> Done | Waiting: ...

    def check(self, ref: str, order: Order, report: Report) -> Done | Waiting: ...
