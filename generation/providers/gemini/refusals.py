"""What an error of Google's means in our own terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2

from generation.providers.base import (
    INVALID_INPUT,
    MISCONFIGURED,
    NO_CREDITS,
    RATE_LIMITED,
    TRANSIENT,
    ProviderError,
)
from generation.providers.foreign import as_dict, as_dicts
from generation.providers.vendor import (
    DETAIL_CHARACTERS,
    GATEWAY_TIMEOUTS,
    Vendor,
    detail_of,
    failure,
    retry_after,
    unknown,
)

# google.rpc.Status: these come before the meaning of the HTTP status.
STATUSES = {
    "INVALID_ARGUMENT": INVALID_INPUT,
    "FAILED_PRECONDITION": MISCONFIGURED,  # the region, or billing that is not set up
    "PERMISSION_DENIED": MISCONFIGURED,
    "UNAUTHENTICATED": MISCONFIGURED,
    "NOT_FOUND": MISCONFIGURED,
    "RESOURCE_EXHAUSTED": RATE_LIMITED,
    "INTERNAL": TRANSIENT,
    "UNAVAILABLE": TRANSIENT,
}
# Reasons of google.rpc.ErrorInfo, and words of Google's own where it has no code for a matter.
REASONS = {
    "API_KEY_INVALID": MISCONFIGURED,
    "API_KEY_SERVICE_BLOCKED": MISCONFIGURED,
    "SERVICE_DISABLED": MISCONFIGURED,
    "BILLING_DISABLED": NO_CREDITS,
}
WORDS = {
    "location is not supported": MISCONFIGURED,
    "api key not valid": MISCONFIGURED,
    "credits are depleted": NO_CREDITS,
}


class Retired(ProviderError):
    """The model id is not served (any more): provably nothing was ordered."""


class Door(Vendor):
    """Google's body says more than its status. 502, 504 and 524 may come after the work began."""

    def refusal(self, answer: httpx2.Response) -> ProviderError | None:
        told = answer.is_error and answer.status_code not in GATEWAY_TIMEOUTS
        return refusal(answer) if told else None


def refusal(answer: httpx2.Response) -> ProviderError:
    """An answer that is no success, as one of our kinds."""
    error, detail = _error(answer), detail_of(answer)
    details = as_dicts(error.get("details"))
    wait = _retry_delay(details) or retry_after(answer)
    kind = _kind(error, details)
    if error.get("status") == "NOT_FOUND" and "models/" in str(error.get("message")):
        return Retired(MISCONFIGURED, detail)
    if kind is None:
        return failure(answer.status_code, detail, wait=wait)
    # Without a word on when to come back, another try is not worth it.
    passing = kind == TRANSIENT or (kind == RATE_LIMITED and wait is not None)
    return ProviderError(kind, detail[:DETAIL_CHARACTERS], permanent=not passing, wait=wait)


def _kind(error: Mapping[str, Any], details: list[dict[str, Any]]) -> str | None:
    """Reasons first, then Google's words, then its status."""
    for entry in details:
        if entry.get("reason") in REASONS:
            return REASONS[entry["reason"]]
    words = str(error.get("message") or "").lower()
    for phrase in WORDS:
        if phrase in words:
            return WORDS[phrase]
    violations = [row for entry in details for row in as_dicts(entry.get("fieldViolations"))]
    if any("generation" in str(row.get("field")).lower() for row in violations):
        # generationConfig is ours: a size or a shape that the model does not know.
        return MISCONFIGURED
    return STATUSES.get(str(error.get("status")))


def inside(answer: httpx2.Response) -> ProviderError:
    """An error in an answer that called itself a success: what we do not know, nobody knows."""
    if str(_error(answer).get("status")) in STATUSES:
        return refusal(answer)
    return unknown(detail_of(answer))


def _error(answer: httpx2.Response) -> dict[str, Any]:
    try:
        data = answer.json()
    except ValueError:
        return {}
    # Streamed errors come as a list with one of them.
    return as_dict(as_dict(data[0] if isinstance(data, list) and data else data).get("error"))


def _retry_delay(details: list[dict[str, Any]]) -> float | None:
    """Seconds, out of google.rpc.RetryInfo."""
    for entry in details:
        delay = str(entry.get("retryDelay", "")).removesuffix("s")
        if delay.isascii() and delay.replace(".", "", 1).isdigit():
            return min(float(delay), 3600.0)
    return None
