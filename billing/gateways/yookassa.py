"""YooKassa, API v3: a page of theirs, saved methods for renewals, receipts by 54-FZ, refunds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from datetime import timedelta as td
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from billing.gateways.base import (
    CANCELED,
    CODE_CHARACTERS,
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
from billing.models import Currency, Payment, Refund

DESCRIPTION_CHARACTERS = 128
PAGE_CHARACTERS = 2048
LISTED_AT_ONCE = 100
PROCESSING_SECONDS = 2.0
# What is not here, like waiting_for_capture, is on its way.
STATUSES = {"succeeded": SUCCEEDED, "canceled": CANCELED}


class YooKassa:
    """`created` and its like come as they are; only what is named here is read of an answer."""

    name = "yookassa"
    currency = Currency.RUB
    renews = True
    key_lives = td(hours=23)  # they remember a key for a day

    def __init__(self) -> None:
        self.shop = settings.YOOKASSA_SHOP_ID
        self.test = settings.YOOKASSA_SECRET_KEY.startswith("test_")
        self.door = Door(settings.YOOKASSA_URL, auth=(self.shop, settings.YOOKASSA_SECRET_KEY))

    def open(self, payment: Payment) -> Opened:
        back = f"{settings.SITE_URL}/pay/{payment.code}/"
        body = _order(payment) | {"confirmation": {"type": "redirect", "return_url": back}}
        if payment.save_method:
            body["save_payment_method"] = True
        return _opened(self._post("payments", body, payment.idempotence_key))

    def charge_saved(self, payment: Payment, method: str) -> Opened:
        body = _order(payment) | {"payment_method_id": method}
        return _opened(self._post("payments", body, payment.idempotence_key))

    def look(self, payment: Payment) -> Seen:
        seen = self.look_up(payment.gateway_id or "")
        if seen is None:
            raise GatewayError("not_found")
        return seen

    def look_up(self, gateway_id: str) -> Seen | None:
        found = self._get(f"payments/{_in_path(gateway_id)}")
        return _seen(found) if found else None

    def give_back(self, refund: Refund) -> RefundSeen:
        body = {
            "payment_id": refund.payment.gateway_id,
            "amount": _amount(refund.amount),
            "metadata": {"refund": str(refund.code)},
        }
        if settings.YOOKASSA_RECEIPTS:
            body["receipt"] = _receipt(refund.payment, refund.amount)
        return _refund_seen(self._post("refunds", body, refund.idempotence_key))

    def look_refund(self, gateway_id: str) -> RefundSeen | None:
        found = self._get(f"refunds/{_in_path(gateway_id)}")
        return _refund_seen(found) if found else None

    def listed(self, since: datetime, until: datetime) -> Iterator[Seen]:
        asked = {"created_at.gte": _time(since), "created_at.lt": _time(until)}
        return (_seen(row) for row in self._all("payments", asked))

    def refunds_of(self, payment: Payment) -> list[RefundSeen]:
        asked = {"payment_id": payment.gateway_id}
        return [_refund_seen(row) for row in self._all("refunds", asked)]

    def _all(self, path: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Page by page. A cursor that comes twice would be walked for ever, so it ends there."""
        params, walked = {**asked, "limit": LISTED_AT_ONCE}, set()
        while True:
            page = self._get(path, params) or {}
            items = page.get("items")
            yield from (row for row in items or [] if isinstance(row, dict))
            cursor = text(page.get("next_cursor"))
            if not cursor or cursor in walked:
                return
            walked.add(cursor)
            params["cursor"] = cursor

    def _get(self, path: str, params: dict[str, Any] | None = None) -> dict[str, Any] | None:
        status, body = self.door.call("GET", path, params=params)
        return None if status == 404 else _checked(status, body)

    def _post(self, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        status, answer = self.door.call("POST", path, json=body, headers={"Idempotence-Key": key})
        return _checked(status, answer)


def _checked(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """The object, or what the refusal means: 4xx is final, 5xx leaves everything open."""
    if status == 202 or body.get("type") == "processing":
        raise GatewayError("processing", unknown=True, wait=_wait(body) or PROCESSING_SECONDS)
    if status == 200:
        return body
    code = text(body.get("code"), CODE_CHARACTERS) or f"http_{status}"
    if status == 429:
        raise GatewayError(code, wait=_wait(body))
    if 400 <= status < 500:
        raise GatewayError(code, permanent=True)
    raise GatewayError(code, unknown=True)


def _wait(body: dict[str, Any]) -> float:
    """Their milliseconds in seconds, within an hour."""
    wait = body.get("retry_after")
    return min(wait / 1000, 3600.0) if isinstance(wait, int) and wait > 0 else 0.0


def _order(payment: Payment) -> dict[str, Any]:
    body = {
        "amount": _amount(payment.amount),
        "capture": True,
        "description": _description(payment),
        "metadata": {"order": str(payment.code)},
        "merchant_customer_id": payment.account.invite_code,
    }
    if settings.YOOKASSA_RECEIPTS:
        body["receipt"] = _receipt(payment, payment.amount)
    return body


def _description(payment: Payment) -> str:
    return f"{payment.name} · {payment.code}"[:DESCRIPTION_CHARACTERS]


def _amount(value: Decimal) -> dict[str, str]:
    return {"value": f"{value:.2f}", "currency": "RUB"}


def _receipt(payment: Payment, amount: Decimal) -> dict[str, Any]:
    """One line whose amount is the whole: the shop's own codes say what it is for the tax."""
    item = {
        "description": payment.name[:DESCRIPTION_CHARACTERS],
        "quantity": 1,
        "amount": _amount(amount),
        "vat_code": settings.YOOKASSA_VAT_CODE,
        "payment_subject": settings.YOOKASSA_PAYMENT_SUBJECT,
        "payment_mode": settings.YOOKASSA_PAYMENT_MODE,
        "measure": "piece",
    }
    receipt: dict[str, Any] = {"customer": _customer(payment.contact), "items": [item]}
    if settings.YOOKASSA_TAX_SYSTEM:
        receipt["tax_system_code"] = settings.YOOKASSA_TAX_SYSTEM
    return receipt


def _customer(contact: str) -> dict[str, str]:
    return {"email": contact} if "@" in contact else {"phone": contact}


def contact_of(raw: str) -> str:
    """An e-mail address, or a phone number as digits. Empty: it is neither."""
    raw = raw.strip()
    if "@" not in raw:
        digits = re.sub(r"[\s()+-]", "", raw)
        return digits if re.fullmatch(r"[1-9][0-9]{9,14}", digits) else ""
    try:
        validate_email(raw)
    except ValidationError:
        return ""
    return raw if len(raw) <= 120 else ""


def _opened(body: dict[str, Any]) -> Opened:
    """Without an id nobody knows whether the order stands: the same key will tell."""
    gateway_id = text(body.get("id"))
    if not gateway_id:
        raise GatewayError("no_id", unknown=True)
    page = text(_dict(body.get("confirmation")).get("confirmation_url"), PAGE_CHARACTERS)
    return Opened(gateway_id, page if page.startswith(("https://", "http://")) else "")


def _seen(body: dict[str, Any]) -> Seen:
    amount, method = _dict(body.get("amount")), _dict(body.get("payment_method"))
    return Seen(
        gateway_id=text(body.get("id")),
        status=STATUSES.get(text(body.get("status")), PENDING),
        amount=money(amount.get("value")),
        currency=text(amount.get("currency"), 3),
        order=text(_dict(body.get("metadata")).get("order")),
        shop=text(_dict(body.get("recipient")).get("account_id")),
        test=body.get("test") is True,
        method=text(method.get("id"), 120) if method.get("saved") is True else "",
        reason=text(_dict(body.get("cancellation_details")).get("reason"), CODE_CHARACTERS),
        receipt=text(body.get("receipt_registration"), 16),
        refunded=money(_dict(body.get("refunded_amount")).get("value", 0)),
    )


def _refund_seen(body: dict[str, Any]) -> RefundSeen:
    return RefundSeen(
        gateway_id=text(body.get("id")),
        status=STATUSES.get(text(body.get("status")), PENDING),
        amount=money(_dict(body.get("amount")).get("value")),
        reason=text(_dict(body.get("cancellation_details")).get("reason"), CODE_CHARACTERS),
        payment_id=text(body.get("payment_id")),
        order=text(_dict(body.get("metadata")).get("refund")),
    )


def _dict(value: Any) -> dict[str, Any]:
    """They send an empty list where an empty object was meant."""
    return value if isinstance(value, dict) else {}


def _in_path(gateway_id: str) -> str:
    """Their ids have letters, digits and dashes; another would be another address."""
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", gateway_id):
        raise GatewayError("bad_id", permanent=True)
    return gateway_id


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
