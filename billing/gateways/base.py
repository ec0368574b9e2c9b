"""What the studio asks of whoever takes the money, and the answers in our own terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta as td
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from billing.models import Payment, Refund, StandingOrder

PENDING, SUCCEEDED, CANCELED = "pending", "succeeded", "canceled"
ID_CHARACTERS = 200
CODE_CHARACTERS = 64


class GatewayError(Exception):
    """The gateway did not do it, or nobody knows.

    ``permanent``: asked the same again, it would refuse again. ``unknown``: it may have been done,
    so only the same key may ask again. ``wait``: seconds that the gateway wants to be left alone.
    """

    def __init__(
        self, code: str, *, permanent: bool = False, unknown: bool = False, wait: float = 0.0
    ) -> None:
        super().__init__(code)
        self.code = code[:CODE_CHARACTERS]
        self.permanent, self.unknown, self.wait = permanent, unknown, wait


@dataclass(frozen=True)
class Opened:
    """An order that the gateway has taken. Stars have no id before they are paid."""

    gateway_id: str | None
    page: str = ""


@dataclass(frozen=True)
class Seen:
    """A payment as the gateway's own API tells of it: the only thing that is believed."""

    gateway_id: str
    status: str
    amount: Decimal
    currency: str
    order: str = ""  # our payment's code, given back
    shop: str = ""
    test: bool = False
    method: str = ""  # saved for renewals
    reason: str = ""  # why it was canceled
    receipt: str = ""
    refunded: Decimal = Decimal(0)
    payer: str = ""  # who paid, where the gateway knows that better than we
    recurring: bool = False
    ends_at: datetime | None = None


@dataclass(frozen=True)
class RefundSeen:
    """A refund as the gateway's own API tells of it."""

    gateway_id: str
    status: str
    amount: Decimal
    reason: str = ""
    payment_id: str = ""
    order: str = ""  # our refund's code, given back


class Gateway(Protocol):
    """``shop`` and ``test`` are what each payment must say of itself.

    Every call may raise GatewayError. Orders are safe to repeat: they carry the row's own key.
    """

    name: str
    currency: str
    shop: str
    test: bool
    renews: bool  # whether we charge renewals; else they arrive by themselves
    key_lives: td | None  # how long an order may be repeated by its key; None: for ever

    def open(self, payment: Payment) -> Opened:
        """Order it; the person pays on the page."""

    def charge_saved(self, payment: Payment, method: str) -> Opened:
        """Order it to be paid at once by a saved method."""

    def look(self, payment: Payment) -> Seen:
        """What became of an order that was taken."""

    def look_up(self, gateway_id: str) -> Seen | None:
        """A payment by the gateway's id; None: there is none."""

    def give_back(self, refund: Refund) -> RefundSeen:
        """Order a refund, or ask again for the same."""

    def look_refund(self, gateway_id: str) -> RefundSeen | None:
        """A refund by the gateway's id; None: there is none."""

    def refunds_of(self, payment: Payment) -> list[RefundSeen]:
        """All refunds of a payment. Asked only of a gateway that forgets keys."""

    def steer(self, order: StandingOrder) -> None:
        """Go on charging by itself, or stop. Asked only of a gateway that does so."""

    def listed(self, since: datetime, until: datetime) -> Iterator[Seen]:
        """All payments that the gateway has from then until then."""


def text(value: Any, most: int = ID_CHARACTERS) -> str:
    """A foreign string, bounded. Anything else is none."""
    return value[:most] if isinstance(value, str) else ""


def money(value: Any) -> Decimal:
    """A foreign amount. What is not one is -1, which equals no amount of ours."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return Decimal(-1)
    return amount if amount.is_finite() else Decimal(-1)
