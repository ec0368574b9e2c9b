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
class Talk:
    """What the assistant knows beside the person's last message, which is the order's prompt.

    ``history`` are earlier (role, text) pairs, oldest first, role ``person`` or ``assistant``;
    ``language`` is the person's, as in ``ru``.
    """

    system: str
    language: str = "en"
    history: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Answer:
    """One friendly sentence, and (kind, text) of each prompt: short, balanced, detailed.

    ``makeshift``: no model made it, although one was asked; the person gets it for nothing.
    """

    text: str
    prompts: tuple[tuple[str, str], ...]
    tokens_in: int | None = None
    tokens_out: int | None = None
    makeshift: bool = False


@dataclass(frozen=True)
class Order:
    """Everything that a provider needs, already checked: bytes, not links.

    ``pictures`` are cleaned JPEG or PNG files, upright. Try-on: person, item. Edit: base, then
    references. Imagine: none. Assistant: the picture that is talked about, with ``talk``.

    ``callback_url`` is where a vendor may say that it is done; empty where we cannot be reached.
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
    talk: Talk | None = None
    callback_url: str = ""


@dataclass(frozen=True)
class Done:
    """The finished pictures as encoded files, or the assistant's answer.

    ``cost`` is what they cost the owner in rubles; None: the vendor did not say, see the price row.
    """

    pictures: tuple[bytes, ...]
    model: str = ""
    cost: Decimal | None = Decimal(0)
    answer: Answer | None = None


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
class Probe:
    """What a provider says when it is asked something harmless.

    ``credits`` is what our account there holds, in words; empty where it does not say. ``missing``
    are the model ids we are set up with that it no longer lists. ``balance`` is the number in
    ``credits``, where there is one.
    """

    credits: str = ""
    missing: frozenset[str] = frozenset()
    detail: str = ""
    balance: Decimal | None = None


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
    that this provider needs no place. One that is reached over a network also has ``probe()``: a
    ``Probe`` of how it is, or the ProviderError that an order would meet.

    Some can do more. ``find(order)``: the ref of an order that was placed before for the same code,
    or None. ``cancel(ref)``: stop it. ``callback(ref, body, headers, *, secret)``: whether a call
    from outside is about it; PermissionError if it is forged.

    ``is_free(prompt)``: whether an edit's words ask for nothing but what the free tools do, so
    that it is not charged.
    """

    name: str
    tools: frozenset[str]

    def examine(self, order: Order) -> None: ...

    def locate(self, person: bytes, zone: str) -> Fit: ...

    def start(self, order: Order, report: Report) -> Done | Waiting: ...

    def check(self, ref: str, order: Order, report: Report) -> Done | Waiting: ...
