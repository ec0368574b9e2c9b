"""What comes back from Gemini: the picture, or why there is none, and what it cost."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from generation.providers.base import NO_IMAGE, POLICY, ProviderError
from generation.providers.foreign import as_dict, as_dicts, looks_like_a_picture
from generation.providers.vendor import DETAIL_CHARACTERS

MILLION = Decimal(1_000_000)
# What ends without a picture and is nobody's fault: the only reasons worth another try.
PASSING = ("NO_IMAGE", "OTHER", "IMAGE_OTHER", "MALFORMED_RESPONSE", "STOP", "")
REFUSALS = (
    "SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "RECITATION",
    "IMAGE_RECITATION", "SPII", "BLOCKLIST",
)  # fmt: skip


def picture_of(data: dict[str, Any]) -> bytes:
    """The last picture that is not a thought (those are sketches). Raises why there is none."""
    found = [
        inline
        for candidate in as_dicts(data.get("candidates"))
        for part in as_dicts(as_dict(candidate.get("content")).get("parts"))
        if (inline := as_dict(part.get("inlineData") or part.get("inline_data")))
        and not part.get("thought")
    ]
    if not found:
        raise no_picture(data)
    try:
        picture = base64.b64decode(str(found[-1].get("data", "")), validate=True)
    except (binascii.Error, ValueError):
        raise no_image("broken base64") from None
    if not looks_like_a_picture(picture):
        raise no_image(f"not a picture: {picture[:60]!r}")
    return picture


def no_picture(data: dict[str, Any]) -> ProviderError:
    """Why an answer holds none. A prompt that was blocked never reached the model.

    Gemini sells pictures by the token, so one that was not drawn costs next to nothing: for the
    reasons that Google calls passing, the order may be placed once more.
    """
    feedback = as_dict(data.get("promptFeedback"))
    if block := feedback.get("blockReason"):
        words = feedback.get("blockReasonMessage", "")
        detail = f"blockReason {block}: {words}"[:DETAIL_CHARACTERS]
        if block == "OTHER":
            return ProviderError(NO_IMAGE, detail, permanent=False)
        return ProviderError(POLICY, detail)
    candidate = next(iter(as_dicts(data.get("candidates"))), {})
    reason = str(candidate.get("finishReason") or "")
    detail = f"finishReason {reason}: {_words(candidate)}"[:DETAIL_CHARACTERS]
    if reason in REFUSALS:
        return ProviderError(POLICY, detail, accepted=True)
    return ProviderError(NO_IMAGE, detail, permanent=reason not in PASSING, accepted=True)


def by_tokens(usage: Any, prices: Mapping[str, Any]) -> Decimal | None:
    """Dollars. Thoughts are sold as output."""
    usage = as_dict(usage)
    counts = [usage.get(name) for name in ("promptTokenCount", "candidatesTokenCount")]
    if not {"input", "output"} <= set(prices) or not all(isinstance(n, int) for n in counts):
        return None
    thoughts = usage.get("thoughtsTokenCount")
    output = counts[1] + (thoughts if isinstance(thoughts, int) else 0)
    sold = counts[0] * Decimal(str(prices["input"])) + output * Decimal(str(prices["output"]))
    return sold / MILLION


def no_image(detail: str) -> ProviderError:
    """A picture was made and paid for: to place the order again would buy a second one."""
    return ProviderError(NO_IMAGE, detail[:DETAIL_CHARACTERS], accepted=True)


def _words(candidate: Mapping[str, Any]) -> str:
    """What the model said instead of drawing."""
    parts = as_dicts(as_dict(candidate.get("content")).get("parts"))
    said = [str(part["text"]) for part in parts if part.get("text") and not part.get("thought")]
    return " ".join([str(candidate.get("finishMessage") or ""), *said]).strip()
