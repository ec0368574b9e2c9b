"""Telegram Stars: invoices, the list of transactions, money given back, subscriptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.vendors.botapi.markup import START
from tests.vendors.botapi.params import Params, Refusal, need
from tests.vendors.botapi.sending import post
from tests.vendors.botapi.world import Message, World

MONTH = 2_592_000
DEAREST_SUBSCRIPTION = 10_000


@dataclass
class Invoice:
    payload: str
    title: str
    stars: int
    period: int = 0


@dataclass
class Charge:
    """Stars that somebody paid. ``stopped`` is what the bot made of a subscription."""

    id: str
    person: int
    invoice: Invoice
    at: int
    first: str = ""
    refunded_at: int | None = None
    stopped: bool = False

    @property
    def rows(self) -> list[dict[str, Any]]:
        """As the list of transactions shows it: a refund has the id of its payment."""
        user = {"id": self.person, "is_bot": False, "first_name": str(self.person)}
        side = {"type": "user", "transaction_type": "invoice_payment", "user": user,
                "invoice_payload": self.invoice.payload}  # fmt: skip
        if self.invoice.period:
            side["subscription_period"] = self.invoice.period
        row = {"id": self.id, "amount": self.invoice.stars}
        rows = [{**row, "date": self.at, "source": side}]
        back = {**row, "date": self.refunded_at, "receiver": side}
        return [*rows, back] if self.refunded_at is not None else rows


@dataclass
class Books:
    """``links`` are invoices by their URLs, ``charges`` what was paid, oldest first."""

    links: dict[str, Invoice] = field(default_factory=dict)
    in_chat: dict[tuple[int, int], Invoice] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)

    def send(self, world: World, params: Params) -> Message:
        invoice = _invoice(params)
        start = params.text("start_parameter")
        need(not start or START.fullmatch(start), "START_PARAM_INVALID")
        shown = {
            "title": invoice.title, "description": params.text("description"),
            "start_parameter": start, "currency": "XTR", "total_amount": invoice.stars,
        }  # fmt: skip
        chat = world.writable(params)
        message = post(world, params, chat, invoice=shown)
        message.setdefault("reply_markup", {"inline_keyboard": [[_pay_button(invoice)]]})
        self.in_chat[chat.id, message["message_id"]] = invoice
        return message

    def link(self, world: World, params: Params) -> str:
        invoice = _invoice(params)
        invoice.period = params.number("subscription_period")
        need(invoice.period in (0, MONTH), "SUBSCRIPTION_PERIOD_INVALID")
        cheap = not invoice.period or invoice.stars <= DEAREST_SUBSCRIPTION
        need(cheap, "SUBSCRIPTION_AMOUNT_INVALID")
        url = f"https://t.me/$inv{world.number()}"
        self.links[url] = invoice
        return url

    def refund(self, world: World, params: Params) -> Charge:
        charge = self._charge(params)
        need(charge.refunded_at is None, "CHARGE_ALREADY_REFUNDED")
        charge.refunded_at = world.now
        return charge

    def transactions(self, world: World, params: Params) -> dict[str, Any]:
        rows = [row for charge in self.charges.values() for row in charge.rows]
        rows.sort(key=lambda row: row["date"])
        begin = max(params.number("offset"), 0)
        size = min(max(params.number("limit", 100), 1), 100)
        return {"transactions": rows[begin : begin + size]}

    def edit_subscription(self, world: World, params: Params) -> bool:
        charge = self._charge(params)
        need(charge.invoice.period, "CHARGE_NOT_FOUND")
        need("is_canceled" in params, 'parameter "is_canceled" is required')
        charge.stopped = params.flag("is_canceled")
        return True

    def _charge(self, params: Params) -> Charge:
        need(params.number("user_id") > 0, "invalid user_id specified")
        charge = self.charges.get(params.required("telegram_payment_charge_id"))
        if charge is None or charge.person != params.number("user_id"):
            raise Refusal("CHARGE_NOT_FOUND")
        return charge


def paid_content(charge: Charge, world: World) -> dict[str, Any]:
    """The ``successful_payment`` of a message."""
    paid: dict[str, Any] = {
        "currency": "XTR", "total_amount": charge.invoice.stars,
        "invoice_payload": charge.invoice.payload, "telegram_payment_charge_id": charge.id,
        "provider_payment_charge_id": f"{charge.person}_{charge.id[-6:]}",
    }  # fmt: skip
    if charge.invoice.period:
        paid |= {"is_recurring": True, "subscription_expiration_date": world.now + MONTH}
    return paid | (
        {"is_first_recurring": True} if charge.invoice.period and not charge.first else {}
    )


def returned_content(charge: Charge) -> dict[str, Any]:
    """The ``refunded_payment`` of a message."""
    return {
        "currency": "XTR", "total_amount": charge.invoice.stars,
        "invoice_payload": charge.invoice.payload, "telegram_payment_charge_id": charge.id,
    }  # fmt: skip


def _invoice(params: Params) -> Invoice:
    title, description = params.required("title"), params.required("description")
    payload = params.required("payload")
    need(len(title) <= 32, "INVOICE_TITLE_INVALID")
    need(len(description) <= 255, "INVOICE_DESCRIPTION_INVALID")
    need(len(payload.encode()) <= 128, "INVOICE_PAYLOAD_INVALID")
    need(params.required("currency") == "XTR", "CURRENCY_INVALID")
    need(not params.text("provider_token"), "PAYMENT_PROVIDER_INVALID")
    return Invoice(payload, title, _price(params.data("prices")))


def _price(prices: Any) -> int:
    """Stars come as one whole price."""
    need(isinstance(prices, list) and prices, "there must be at least one price")
    need(len(prices) == 1, "STARS_INVOICE_INVALID")
    need(prices[0].get("label"), "can't parse labeled price: LabeledPrice label must be non-empty")
    amount = prices[0].get("amount")
    need(isinstance(amount, int) and amount > 0, "CURRENCY_TOTAL_AMOUNT_INVALID")
    return amount


def _pay_button(invoice: Invoice) -> dict[str, Any]:
    return {"text": f"Pay ⭐️{invoice.stars}", "pay": True}
