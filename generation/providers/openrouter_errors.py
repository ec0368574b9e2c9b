"""What OpenRouter's errors mean; other endpoints for chat word theirs alike."""

from __future__ import annotations

from typing import Any

import httpx2

from generation.providers.base import (
    INVALID_INPUT,
    MISCONFIGURED,
    NO_CREDITS,
    POLICY,
    RATE_LIMITED,
    TRANSIENT,
    ProviderError,
)
from generation.providers.foreign import as_dict
from generation.providers.vendor import DETAIL_CHARACTERS, Vendor, retry_after, unknown

KINDS = {
    "rate_limit_exceeded": RATE_LIMITED, "provider_overloaded": TRANSIENT,
    "provider_unavailable": TRANSIENT, "payment_required": NO_CREDITS,
    "content_policy_violation": POLICY, "refusal": POLICY, "invalid_image": INVALID_INPUT,
    "image_too_large": INVALID_INPUT, "image_too_small": INVALID_INPUT,
    "unsupported_image_format": INVALID_INPUT, "image_not_found": INVALID_INPUT,
    "image_download_failed": TRANSIENT, "context_length_exceeded": INVALID_INPUT,
    "timeout": TRANSIENT, "server": TRANSIENT,
}  # fmt: skip
CODES = {
    400: INVALID_INPUT, 401: MISCONFIGURED, 402: NO_CREDITS, 403: MISCONFIGURED,
    404: MISCONFIGURED, 408: TRANSIENT, 413: INVALID_INPUT, 422: INVALID_INPUT,
    429: RATE_LIMITED,
}  # fmt: skip
EDGE_TIMEOUTS = (504, 524)
"""The edge stopped waiting, whatever went on behind it."""
MODEL_WORDS = ("not a valid model", "no endpoints found", "model not found", "does not exist")


class Door(Vendor):
    """OpenRouter's own words about an error come before the meaning of the status."""

    def refusal(self, answer: httpx2.Response) -> ProviderError | None:
        return _error_in(answer)


def _error_in(answer: httpx2.Response) -> ProviderError | None:
    """The error in a body, with whatever status it came. None: the status speaks for itself."""
    try:
        error = as_dict(answer.json()).get("error")
    except ValueError:
        return None
    if not error:
        return None
    error = error if isinstance(error, dict) else {"message": error}
    status = 500 if answer.is_success else answer.status_code
    # With HTTP 200 the work had begun, and may be billed.
    return meaning(error, status, wait=retry_after(answer), accepted=answer.is_success)


def meaning(
    error: dict[str, Any], status: int, *, wait: float | None = None, accepted: bool = False
) -> ProviderError:
    """OpenRouter's error as one of our kinds; the status counts where the error has no code."""
    code = int(error["code"]) if str(error.get("code")).isdecimal() else status
    detail = f"OpenRouter {code}: {error.get('message')}"[:DETAIL_CHARACTERS]
    if code in EDGE_TIMEOUTS:
        return unknown(detail)
    kind = _kind(code, str(error.get("message")).lower(), as_dict(error.get("metadata")))
    passing = kind in (TRANSIENT, RATE_LIMITED)
    return ProviderError(kind, detail, permanent=not passing, accepted=accepted, wait=wait)


def _kind(code: int, words: str, about: dict[str, Any]) -> str:
    if about.get("limit_source") == "openrouter_in_flight_budget":
        # The balance is enough, only not for all that runs at this moment.
        return RATE_LIMITED
    if code in (400, 404) and any(text in words for text in MODEL_WORDS):
        return MISCONFIGURED
    if code == 403 and (about.get("reasons") or about.get("flagged_input")):
        return POLICY
    default = CODES.get(code, TRANSIENT if code >= 500 else MISCONFIGURED)
    return KINDS.get(str(about.get("error_type")), default)


def policy(message: dict[str, Any]) -> ProviderError:
    words = message.get("refusal") or message.get("content") or "content_filter"
    return ProviderError(POLICY, str(words)[:DETAIL_CHARACTERS], accepted=True)
