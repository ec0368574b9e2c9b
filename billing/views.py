"""The sandbox's pay page, which plays a gateway that stands somewhere else."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from billing import notifications
from billing.gateways import sandbox as gateway
from billing.models import SandboxPayment

HERE = "127.0.0.1"
HALF = Decimal("0.5")


def _tell(row: SandboxPayment, *events: str) -> None:
    for event in events:
        notifications.hear("sandbox", event, str(row.gateway_id), HERE)


def _pay(row: SandboxPayment) -> None:
    gateway.pay(row)
    _tell(row, "payment.succeeded")


def _decline(row: SandboxPayment) -> None:
    gateway.decline(row)
    _tell(row, "payment.canceled")


def _twice(row: SandboxPayment) -> None:
    gateway.pay(row)
    _tell(row, "payment.succeeded", "payment.succeeded", "payment.succeeded")


def _in_disorder(row: SandboxPayment) -> None:
    gateway.pay(row)
    _tell(row, "payment.canceled", "payment.succeeded", "payment.waiting_for_capture")


def _too_little(row: SandboxPayment) -> None:
    gateway.pay(row, (row.amount * HALF).quantize(Decimal("0.01")))
    _tell(row, "payment.succeeded")


ACTS: dict[str, Callable[[SandboxPayment], None]] = {
    "pay": _pay,
    "decline": _decline,
    "later": gateway.pay_later,
    "twice": _twice,
    "disorder": _in_disorder,
    "half": _too_little,
}


@require_http_methods(["GET", "HEAD", "POST"])
def sandbox(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    """Choose what happens to this payment, then back to the shop. It happens once."""
    if not settings.DEBUG:
        raise Http404
    row = get_object_or_404(SandboxPayment, gateway_id=code)
    if request.method != "POST":
        return render(request, "billing/sandbox.html", {"payment": row})
    act = ACTS.get(request.POST.get("act", ""))
    if act is None:
        raise Http404
    if row.status == "pending":
        act(row)
    return redirect(row.back)
