"""What an error of OpenAI's, or of a server like it, means in our own terms."""

from __future__ import annotations

import re
from typing import Any

import httpx2

from generation.providers.base import (
    MISCONFIGURED,
    NO_CREDITS,
    POLICY,
    RATE_LIMITED,
    TRANSIENT,
    ProviderError,
)
from generation.providers.vendor import (
    DETAIL_CHARACTERS,
    GATEWAY_TIMEOUTS,
    Vendor,
    detail_of,
    failure,
    retry_after,
    unknown,
)

# An error's code or type, or LiteLLM's name of it. They come before the meaning of the status.
KINDS = {
    "moderation_blocked": POLICY,
    "content_policy_violation": POLICY,
    "image_generation_user_error": POLICY,
    "ContentPolicyViolationError": POLICY,
    "insufficient_quota": NO_CREDITS,
    "billing_hard_limit_reached": NO_CREDITS,
    "billing_not_active": NO_CREDITS,
    "budget_exceeded": NO_CREDITS,
    "BudgetExceededError": NO_CREDITS,
    "rate_limit_exceeded": RATE_LIMITED,
    "RateLimitError": RATE_LIMITED,
    "invalid_api_key": MISCONFIGURED,
    "AuthenticationError": MISCONFIGURED,
    "model_not_found": MISCONFIGURED,
    "NotFoundError": MISCONFIGURED,
    "unsupported_country_region_territory": MISCONFIGURED,
    "server_error": TRANSIENT,
}
RETIRED = ("model_not_found", "NotFoundError")
# Complaints about any other parameter are about our settings.
PERSONS_PARAMETERS = ("", "prompt", "image", "images", "mask")
LITELLM_NAME = re.compile(r"litellm\.([A-Za-z]{1,40}Error)\b")


class Retired(ProviderError):
    """The model id is not served (any more): provably nothing was ordered."""


class Door(Vendor):
    """An error's code says more than its status. 502, 504 and 524 may come from in between."""

    def refusal(self, answer: httpx2.Response) -> ProviderError | None:
        told = answer.is_error and answer.status_code not in GATEWAY_TIMEOUTS
        return refusal(answer) if told else None


def refusal(answer: httpx2.Response) -> ProviderError:
    """An answer that is no success, as one of our kinds."""
    detail, wait = detail_of(answer), retry_after(answer)
    error = _error(answer)
    names = _names(error)
    named = next((KINDS[name] for name in names if name in KINDS), None)
    if any(name in RETIRED for name in names) and "model" in detail:
        return Retired(MISCONFIGURED, detail)
    parameter = re.split(r"[\[.]", str(error.get("param") or ""))[0]
    if not named and parameter not in PERSONS_PARAMETERS:
        named = MISCONFIGURED if answer.status_code in (400, 422) else None
    if not named:
        return failure(answer.status_code, detail, wait=wait)
    passing = named in (TRANSIENT, RATE_LIMITED)
    return ProviderError(named, detail[:DETAIL_CHARACTERS], permanent=not passing, wait=wait)


def inside(answer: httpx2.Response) -> ProviderError:
    """An error in an answer that called itself a success: what we do not know, nobody knows."""
    if any(name in KINDS for name in _names(_error(answer))):
        return refusal(answer)
    return unknown(detail_of(answer))


def _error(answer: httpx2.Response) -> dict[str, Any]:
    try:
        data = answer.json()
    except ValueError:
        return {}
    error = data.get("error") if isinstance(data, dict) else None
    return error if isinstance(error, dict) else {}


def _names(error: dict[str, Any]) -> list[str]:
    """What an error is called, the most telling name first. Its words may quote the person's."""
    litellm = LITELLM_NAME.match(str(error.get("message") or ""))
    names = (error.get("code"), litellm and litellm[1], error.get("type"))
    return [name for name in names if isinstance(name, str)]
