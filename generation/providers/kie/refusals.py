"""What kie's codes and words mean in our own terms: a refusal may arrive with HTTP 200."""

from __future__ import annotations

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
from generation.providers.vendor import DETAIL_CHARACTERS, GATEWAY_TIMEOUTS, retry_after, unknown

RATE_WINDOW_SECONDS = 10.0
"""A request over the limit is dropped, and the limit counts over this long."""

CODES = {
    400: INVALID_INPUT, 401: MISCONFIGURED, 402: NO_CREDITS, 403: MISCONFIGURED,
    404: MISCONFIGURED, 405: MISCONFIGURED, 408: TRANSIENT, 413: INVALID_INPUT,
    422: INVALID_INPUT, 429: RATE_LIMITED, 433: NO_CREDITS, 455: TRANSIENT, 500: TRANSIENT,
    501: TRANSIENT, 505: MISCONFIGURED,
}  # fmt: skip
# These speak of the order itself, and their text says what they mean.
ABOUT_THE_ORDER = (400, 422, 500, 501)
POLICY_WORDS = (
    "policy", "policies", "sensitive", "prohibited", "safety", "nsfw", "moderation", "flagged",
    "violat", "inappropriate",
)  # fmt: skip
RETIRED_WORDS = ("not support", "not found", "not exist", "no longer", "deprecated", "offline")


class Retired(ProviderError):
    """The model id is not served (any more): provably nothing was ordered."""


def refusal(answer: httpx2.Response) -> ProviderError | None:
    """What kie says in its body, if it refuses. None: the status speaks for itself."""
    try:
        body = answer.json()
    except ValueError:
        return None
    code = as_dict(body).get("code")
    if answer.status_code in GATEWAY_TIMEOUTS or not str(code).isdecimal() or int(code) == 200:
        return None
    return meaning(int(code), str(body.get("msg") or ""), retry_after(answer))


def meaning(code: int, words: str, wait: float | None = None) -> ProviderError:
    """A code of kie's with its text as one of our kinds."""
    text, detail = words.lower(), f"kie {code}: {words}"[:DETAIL_CHARACTERS]
    if "recordinfo is null" in text:
        # A task that was just made is not known at once.
        return ProviderError(TRANSIENT, detail, permanent=False)
    if code in GATEWAY_TIMEOUTS:
        return unknown(detail)
    if code in (400, 404, 422) and "model" in text and _any(RETIRED_WORDS, text):
        return Retired(MISCONFIGURED, detail)
    kind = POLICY if code in ABOUT_THE_ORDER and _any(POLICY_WORDS, text) else CODES.get(code)
    kind = kind or (TRANSIENT if code >= 500 else MISCONFIGURED)
    if kind == RATE_LIMITED:
        wait = wait or RATE_WINDOW_SECONDS
    return ProviderError(kind, detail, permanent=kind not in (TRANSIENT, RATE_LIMITED), wait=wait)


def _any(words: tuple[str, ...], text: str) -> bool:
    return any(word in text for word in words)
