"""What comes back from OpenAI's API: pictures in base64, and what they cost."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from generation.providers.base import NO_IMAGE, ProviderError
from generation.providers.foreign import as_number
from generation.providers.vendor import DETAIL_CHARACTERS

MILLION = Decimal(1_000_000)
DATA_URL = re.compile(r"data:[a-z/+.-]{0,40};base64,", re.IGNORECASE)


def no_image(detail: str) -> ProviderError:
    """The order was taken and paid for: to place it again would buy a second picture."""
    return ProviderError(NO_IMAGE, detail[:DETAIL_CHARACTERS], accepted=True)


def decoded(text: Any) -> bytes:
    """base64, with or without a data URL's beginning."""
    text = str(text)
    start = DATA_URL.match(text)
    try:
        return base64.b64decode("".join(text[start.end() if start else 0 :].split()), validate=True)
    except (binascii.Error, ValueError):
        raise no_image("broken base64") from None


def by_tokens(usage: Any, prices: Mapping[str, Any]) -> Decimal | None:
    """Dollars. Tokens that were not told apart cost what a picture's do."""
    if not isinstance(usage, dict) or not {"text", "image", "output"} <= set(prices):
        return None
    details = usage.get("input_tokens_details")
    text = as_number(details.get("text_tokens")) if isinstance(details, dict) else None
    whole, made = as_number(usage.get("input_tokens")), as_number(usage.get("output_tokens"))
    if whole is None or made is None:
        return None
    text = min(text or Decimal(0), whole)
    amounts = {"text": text, "image": whole - text, "output": made}
    return sum(amounts[name] * Decimal(str(prices[name])) / MILLION for name in amounts)
