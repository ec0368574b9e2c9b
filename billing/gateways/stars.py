"""Telegram Stars: invoice links, refunds, and the list of what was paid, by the Bot API.

Telegram tells of a payment in an update to the bot, see `payments.stars_paid`; it cannot be asked
about one invoice. What an update did not tell is found in the list of transactions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from datetime import timedelta as td
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone

from billing.gateways.base import (
    CANCELED,
    PENDING,
    SUCCEEDED,
    GatewayError,
    Opened,
    RefundSeen,
    Seen,
    money,
    text,
)
from billing.gateways.door import Door
from billing.models import Currency, Payment, Product, Refund, StandingOrder

TITLE_CHARACTERS = 32
PAGE_CHARACTERS = 2048
SUBSCRIPTION_SECONDS = 2592000  # the one period that Telegram knows
LINK_LIVES = td(days=1)
LISTED_AT_ONCE = 100
MOST_PAGES = 10_000
EXPIRED = "expired_on_confirmation"
ALREADY_REFUNDED = "CHARGE_ALREADY_REFUNDED"


class Stars:
    name = "stars"
    currency = Currency.XTR
    shop = ""
    test = False
    renews = False
    key_lives = None

    def __init__(self) -> None:
        self.door = Door(settings.BOT_API_URL)

    def open(self, payment: Payment) -> Opened:
        """A link that Telegram opens as an invoice. Made twice, it is still paid under one code."""
        body: dict[str, Any] = {
            "title": payment.name[:TITLE_CHARACTERS],
            "description": payment.name,
            "payload": str(payment.code),
            "provider_token": "",
            "currency": "XTR",
            "prices": [{"label": payment.name[:TITLE_CHARACTERS], "amount": int(payment.amount)}],
        }
        if payment.save_method and payment.sort == Product.Sort.PLAN:
            body["subscription_period"] = SUBSCRIPTION_SECONDS
        link = text(self._ask("createInvoiceLink", body), PAGE_CHARACTERS)
        if not link.startswith("https://"):
            raise GatewayError("no_link", unknown=True)
        return Opened(None, link)

    def charge_saved(self, payment: Payment, method: str) -> Opened:
        raise GatewayError("renews_by_itself", permanent=True)

    def look(self, payment: Payment) -> Seen:
        """Waiting, until the link is a day old: then `payments.may_pay` refuses it."""
        over = payment.created_at < timezone.now() - LINK_LIVES
        return Seen(
            gateway_id=payment.gateway_id or "",
            status=CANCELED if over else PENDING,
            amount=payment.amount,
            currency=Currency.XTR,
            order=str(payment.code),
            reason=EXPIRED if over else "",
        )

    def look_up(self, gateway_id: str) -> Seen | None:
        return None

    def give_back(self, refund: Refund) -> RefundSeen:
        """All of it; Telegram knows no part. Given back before is given back."""
        payment = refund.payment
        body = {
            "user_id": payment.account.user.telegram_id,
            "telegram_payment_charge_id": payment.gateway_id,
        }
        try:
            self._ask("refundStarPayment", body)
        except GatewayError as error:
            if error.code != ALREADY_REFUNDED:
                raise
        return RefundSeen(payment.gateway_id or "", SUCCEEDED, refund.amount)

    def look_refund(self, gateway_id: str) -> RefundSeen | None:
        return None

    def steer(self, order: StandingOrder) -> None:
        """Not wanted, the subscription ends with the period that is paid; wanted, it goes on."""
        body = {
            "user_id": order.account.user.telegram_id,
            "telegram_payment_charge_id": order.method,
            "is_canceled": not order.wanted,
        }
        self._ask("editUserStarSubscription", body)

    def listed(self, since: datetime, until: datetime) -> Iterator[Seen]:
        """Telegram lists from the very first one, and a refund is a row of its own."""
        rows = [row for row in self._transactions() if since <= _date(row) < until]
        back = {text(row.get("id")): _stars(row) for row in rows if "receiver" in row}
        for row in rows:
            source = row.get("source")
            if isinstance(source, dict) and source.get("type") == "user":
                yield _seen(row, source, back.get(text(row.get("id")), Decimal(0)))

    def _transactions(self) -> Iterator[dict[str, Any]]:
        for page in range(MOST_PAGES):
            asked = {"offset": page * LISTED_AT_ONCE, "limit": LISTED_AT_ONCE}
            answer = self._ask("getStarTransactions", asked)
            rows = answer.get("transactions") if isinstance(answer, dict) else None
            yield from (row for row in rows or [] if isinstance(row, dict))
            if not rows or len(rows) < LISTED_AT_ONCE:
                return

    def _ask(self, method: str, body: dict[str, Any]) -> Any:
        """The result. Raises GatewayError, permanent where Telegram said no for good."""
        path = f"/bot{settings.TELEGRAM_BOT_TOKEN}/{method}"
        status, answer = self.door.call("POST", path, json=body)
        if answer.get("ok") is True:
            return answer.get("result")
        raise _refusal(status, answer)


def _refusal(status: int, answer: dict[str, Any]) -> GatewayError:
    """A 400 says why behind a colon, like `Bad Request: CHARGE_ALREADY_REFUNDED`."""
    if status == 429:
        after = answer.get("parameters")
        wait = after.get("retry_after") if isinstance(after, dict) else None
        return GatewayError("too_many_requests", wait=float(wait) if isinstance(wait, int) else 0)
    if status >= 500:
        return GatewayError(f"http_{status}", unknown=True)
    words = text(answer.get("description")).rpartition(": ")[2]
    return GatewayError(words or f"http_{status}", permanent=True)


def _seen(row: dict[str, Any], source: dict[str, Any], refunded: Decimal) -> Seen:
    user = source.get("user")
    return Seen(
        gateway_id=text(row.get("id")),
        status=SUCCEEDED,
        amount=_stars(row),
        currency=Currency.XTR,
        order=text(source.get("invoice_payload")),
        refunded=refunded,
        payer=str(user.get("id", "")) if isinstance(user, dict) else "",
    )


def _stars(row: dict[str, Any]) -> Decimal:
    return money(row.get("amount"))


def _date(row: dict[str, Any]) -> datetime:
    stamp = row.get("date")
    return datetime.fromtimestamp(stamp if isinstance(stamp, int) else 0, UTC)
