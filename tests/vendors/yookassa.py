"""YooKassa's API v3 as its specification describes it: payments, refunds, lists by cursor, keys."""

from __future__ import annotations

import base64
import re
import threading
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.vendors.stub import RESET, Answer, Behaviour, Request, Stub, require

SHOP, SECRET = "100500", "test_secret"
PAYMENTS, REFUNDS = "/v3/payments", "/v3/refunds"
AMOUNT = re.compile(r"[0-9]+\.[0-9]{2}")
KEY = re.compile(r"[0-9a-zA-Z+-_.]{1,64}")
PAYMENT_FIELDS = {
    "amount", "description", "receipt", "payment_method_id", "confirmation",
    "save_payment_method", "capture", "metadata", "merchant_customer_id",
}  # fmt: skip
REFUND_FIELDS = {"payment_id", "amount", "description", "receipt", "metadata"}


class YooKassaStub(Stub):
    """``payments`` and ``refunds`` are its books. A saved method's outcome stands in ``methods``.

    ``lost`` counts orders that are taken and whose answer never arrives.
    """

    def __init__(self) -> None:
        super().__init__()
        self.payments: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.methods: dict[str, str] = {}
        self.refund_status = "succeeded"
        self.lost = 0
        self.page_size = 100
        self._keys: dict[str, tuple[bytes, str]] = {}
        self._changing = threading.Lock()

    @property
    def address(self) -> str:
        return f"{self.url}/v3/"

    def react(self, request: Request) -> Behaviour:
        behaviour = super().react(request)
        if self.lost and request.method == "POST" and isinstance(behaviour, Answer):
            self.lost -= 1
            return RESET
        return behaviour

    def order(self, payment_id: str, order: str, value: str) -> None:
        """One that was taken before, without the API."""
        self.payments[payment_id] = {
            "id": payment_id, "status": "pending", "paid": False, "created_at": self._now(),
            "amount": {"value": value, "currency": "RUB"}, "metadata": {"order": order},
            "refundable": False, "test": True,
            "recipient": {"account_id": SHOP, "gateway_id": "456"},
        }  # fmt: skip

    def pay(self, payment_id: str, **changes: Any) -> None:
        """Somebody paid on the page."""
        payment = self.payments[payment_id]
        method = {"type": "bank_card", "id": payment_id, "status": "active",
                  "saved": payment.pop("save", False)}  # fmt: skip
        payment |= {"status": "succeeded", "paid": True, "payment_method": method, **changes}

    def cancel(self, payment_id: str, reason: str = "expired_on_confirmation") -> None:
        details = {"party": "yoo_money", "reason": reason}
        self.payments[payment_id] |= {"status": "canceled", "cancellation_details": details}

    def answer(self, request: Request) -> Answer:
        expected = base64.b64encode(f"{SHOP}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            return error(401, "invalid_credentials")
        kind, _, which = request.path.removeprefix("/v3/").partition("/")
        require(kind in ("payments", "refunds"), "no such address")
        books = self.payments if kind == "payments" else self.refunds
        if request.method == "POST":
            return self._create(request, kind)
        if which:
            found = books.get(which)
            return Answer(200, found) if found else error(404, "not_found")
        return self._list(request, list(books.values()))

    def malformed(self, why: str) -> Answer:
        return error(400, "invalid_request", why)

    def _create(self, request: Request, kind: str) -> Answer:
        key = request.headers.get("idempotence-key", "")
        require(KEY.fullmatch(key), "Idempotence-Key")
        with self._changing:
            if key in self._keys:
                body, known = self._keys[key]
                require(body == request.body, "the same key with another body")
                books = self.payments if kind == "payments" else self.refunds
                return Answer(200, books[known])
            made = self._payment(request.json) if kind == "payments" else self._refund(request.json)
            if isinstance(made, Answer):
                return made
            self._keys[key] = (request.body, made["id"])
            return Answer(200, made)

    def _payment(self, body: dict[str, Any]) -> dict[str, Any]:
        _examine(body, PAYMENT_FIELDS)
        require("confirmation" in body or "payment_method_id" in body, "confirmation")
        payment_id = str(uuid.uuid4())
        payment = {
            "id": payment_id, "status": "pending", "paid": False, "amount": body["amount"],
            "created_at": self._now(), "refundable": False, "test": True,
            "recipient": {"account_id": SHOP, "gateway_id": "456"},
            "metadata": body.get("metadata", []), "save": body.get("save_payment_method", False),
        }  # fmt: skip
        if "receipt" in body:
            payment["receipt_registration"] = "pending"
        if "confirmation" in body:
            page = {"type": "redirect", "confirmation_url": f"https://yoomoney.test/{payment_id}"}
            payment["confirmation"] = page
        self.payments[payment_id] = payment
        if method := body.get("payment_method_id"):
            self._charge(payment_id, method)
        return payment

    def _charge(self, payment_id: str, method: str) -> None:
        outcome = self.methods.get(method, "succeeded")
        if outcome == "succeeded":
            self.pay(payment_id)
        elif outcome != "pending":
            self.cancel(payment_id, outcome)

    def _refund(self, body: dict[str, Any]) -> dict[str, Any] | Answer:
        _examine(body, REFUND_FIELDS)
        payment = self.payments.get(body.get("payment_id", ""))
        if payment is None or payment["status"] != "succeeded":
            return error(404, "not_found")
        before = Decimal(payment.get("refunded_amount", {"value": "0"})["value"])
        total = before + Decimal(body["amount"]["value"])
        if total > Decimal(payment["amount"]["value"]):
            return error(400, "invalid_request", "too much")
        return self.give_back(payment["id"], body["amount"], body.get("metadata", {}))

    def give_back(
        self, payment_id: str, amount: dict[str, str], metadata: Any = ()
    ) -> dict[str, Any]:
        """As ordered by the API, or without metadata in the shop's cabinet."""
        refund = {
            "id": str(uuid.uuid4()), "payment_id": payment_id, "amount": amount,
            "status": self.refund_status, "created_at": self._now(), "metadata": metadata,
        }  # fmt: skip
        self.refunds[refund["id"]] = refund
        if refund["status"] == "succeeded":
            payment = self.payments[payment_id]
            before = Decimal(payment.get("refunded_amount", {"value": "0"})["value"])
            total = before + Decimal(amount["value"])
            payment["refunded_amount"] = {"value": f"{total:.2f}", "currency": "RUB"}
        return refund

    def _list(self, request: Request, rows: list[dict[str, Any]]) -> Answer:
        asked = request.query
        require(1 <= int(asked.get("limit", "10")) <= 100, "limit")
        rows = [row for row in rows if _is_wanted(row, asked)]
        begin = int(asked.get("cursor", "0"))
        size = min(self.page_size, int(asked.get("limit", "10")))
        page: dict[str, Any] = {"type": "list", "items": rows[begin : begin + size]}
        if begin + size < len(rows):
            page["next_cursor"] = str(begin + size)
        return Answer(200, page)

    def _now(self) -> str:
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _examine(body: dict[str, Any], fields: set[str]) -> None:
    require(body.keys() <= fields, f"unknown field: {body.keys() - fields}")
    amount = body.get("amount", {})
    require(AMOUNT.fullmatch(amount.get("value", "")), "amount.value")
    require(amount.get("currency") == "RUB", "amount.currency")
    require(len(body.get("description", "")) <= 128, "description")
    metadata = body.get("metadata", {})
    require(all(isinstance(value, str) for value in metadata.values()), "metadata")
    if receipt := body.get("receipt"):
        _examine_receipt(receipt, Decimal(amount["value"]))


def _examine_receipt(receipt: dict[str, Any], amount: Decimal) -> None:
    require(receipt["customer"].keys() & {"email", "phone"}, "receipt.customer")
    total = sum(Decimal(item["amount"]["value"]) * item["quantity"] for item in receipt["items"])
    require(total == amount, "receipt: the lines are not the amount")
    for item in receipt["items"]:
        require(item["vat_code"] in range(1, 13), "receipt: vat_code")
        require(0 < len(item["description"]) <= 128, "receipt: description")


def _is_wanted(row: dict[str, Any], asked: dict[str, str]) -> bool:
    since, until = asked.get("created_at.gte", ""), asked.get("created_at.lt", "9")
    of_payment = asked.get("payment_id", row.get("payment_id"))
    return since <= row["created_at"] < until and of_payment == row.get("payment_id")


def error(status: int, code: str, why: str = "") -> Answer:
    body = {"type": "error", "id": str(uuid.uuid4()), "code": code, "description": why}
    return Answer(status, body)
