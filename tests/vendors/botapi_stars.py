"""Telegram's Bot API, as far as Stars go: invoice links, refunds, transactions, subscriptions."""

from __future__ import annotations

import itertools
import time
from typing import Any

from tests.vendors.stub import Answer, Request, Stub, require

TOKEN = "123456:TEST-token"
INVOICE_FIELDS = {
    "title", "description", "payload", "provider_token", "currency", "prices",
    "subscription_period",
}  # fmt: skip


class StarsStub(Stub):
    """``transactions`` is the bot's list, oldest first. ``pay`` is somebody paying an invoice."""

    def __init__(self) -> None:
        super().__init__()
        self.invoices: dict[str, dict[str, Any]] = {}
        self.transactions: list[dict[str, Any]] = []
        self.stopped: dict[str, bool] = {}
        self._numbers = itertools.count(1)

    def answer(self, request: Request) -> Answer:
        bot, _, method = request.path.removeprefix("/bot").partition("/")
        if bot != TOKEN:
            return said(401, "Unauthorized")
        methods = {
            "createInvoiceLink": self._link, "refundStarPayment": self._refund,
            "getStarTransactions": self._list, "editUserStarSubscription": self._edit,
        }  # fmt: skip
        require(method in methods, "method not found")
        return methods[method](request.json)

    def malformed(self, why: str) -> Answer:
        return said(400, f"Bad Request: {why}")

    def pay(self, payload: str, telegram_id: int, amount: int | None = None) -> str:
        """The id of the charge."""
        charge = f"stxCHARGE{next(self._numbers)}"
        stars = amount or self.invoices[payload]["prices"][0]["amount"]
        source = {"type": "user", "user": {"id": telegram_id}, "invoice_payload": payload}
        self._add(charge, stars, source=source)
        return charge

    def _add(self, charge: str, stars: int, **side: Any) -> None:
        self.transactions.append({"id": charge, "amount": stars, "date": int(time.time()), **side})

    def _link(self, body: dict[str, Any]) -> Answer:
        require(body.keys() <= INVOICE_FIELDS, f"unknown field: {body.keys()}")
        require(1 <= len(body["title"]) <= 32, "INVOICE_TITLE")
        require(1 <= len(body["description"]) <= 255, "INVOICE_DESCRIPTION")
        require(1 <= len(body["payload"].encode()) <= 128, "INVOICE_PAYLOAD_INVALID")
        require((body["provider_token"], body["currency"]) == ("", "XTR"), "CURRENCY_INVALID")
        require(len(body["prices"]) == 1, "one price")
        require(isinstance(body["prices"][0]["amount"], int), "whole Stars")
        require(body.get("subscription_period", 2592000) == 2592000, "SUBSCRIPTION_PERIOD_INVALID")
        self.invoices[body["payload"]] = body
        return Answer(200, {"ok": True, "result": f"https://t.me/$invoice-{body['payload']}"})

    def _refund(self, body: dict[str, Any]) -> Answer:
        charge = body["telegram_payment_charge_id"]
        rows = [row for row in self.transactions if row["id"] == charge]
        if not rows or rows[0]["source"]["user"]["id"] != body["user_id"]:
            return said(400, "Bad Request: CHARGE_NOT_FOUND")
        if len(rows) > 1:
            return said(400, "Bad Request: CHARGE_ALREADY_REFUNDED")
        self._add(charge, rows[0]["amount"], receiver=rows[0]["source"])
        return Answer(200, {"ok": True, "result": True})

    def _list(self, body: dict[str, Any]) -> Answer:
        require(1 <= body["limit"] <= 100, "limit")
        rows = self.transactions[body["offset"] : body["offset"] + body["limit"]]
        return Answer(200, {"ok": True, "result": {"transactions": rows}})

    def _edit(self, body: dict[str, Any]) -> Answer:
        require(isinstance(body["is_canceled"], bool), "is_canceled")
        self.stopped[body["telegram_payment_charge_id"]] = body["is_canceled"]
        return Answer(200, {"ok": True, "result": True})


def said(status: int, description: str) -> Answer:
    return Answer(status, {"ok": False, "error_code": status, "description": description})
