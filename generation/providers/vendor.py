"""The HTTP door to a vendor: explicit time limits, no blind retries, failures in our own terms."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from typing import Any

import httpx2

from billing.outside import NOT_SENT, USER_AGENT, Limit, trusted
from generation.providers.base import (
    INVALID_INPUT,
    MISCONFIGURED,
    NO_CREDITS,
    OUTCOME_UNKNOWN,
    RATE_LIMITED,
    TRANSIENT,
    ProviderError,
)

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
ASK_SECONDS = 60.0
ORDER_SECONDS = 240.0
MAX_ANSWER_BYTES = 90 * 1024 * 1024
DETAIL_CHARACTERS = 500

STATUSES = {
    400: INVALID_INPUT, 401: MISCONFIGURED, 402: NO_CREDITS, 403: MISCONFIGURED,
    404: MISCONFIGURED, 405: MISCONFIGURED, 408: TRANSIENT, 413: INVALID_INPUT,
    415: INVALID_INPUT, 422: INVALID_INPUT, 429: RATE_LIMITED,
}  # fmt: skip
# A gateway that gave up waiting does not know whether the order went through behind it.
GATEWAY_TIMEOUTS = (502, 504, 524)


class Vendor:
    """One vendor's address with its headers. ``ask`` is for questions, ``order`` costs money.

    ``read_seconds`` is the longest silence, ``order_seconds`` and ``ask_seconds`` limit the whole.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        order_seconds: float = 0.0,
        ask_seconds: float = ASK_SECONDS,
    ) -> None:
        self.order_seconds = order_seconds or max(ORDER_SECONDS, read_seconds)
        self.ask_seconds = ask_seconds
        # No connection is kept: an order on one that the vendor has just closed would be in doubt.
        self.client = httpx2.Client(
            base_url=base_url,
            headers={"User-Agent": USER_AGENT, **(headers or {})},
            timeout=httpx2.Timeout(read_seconds, connect=connect_seconds),
            limits=httpx2.Limits(max_keepalive_connections=0),
            follow_redirects=False,
            verify=trusted(),
        )

    def ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """A request that may be repeated. Raises ProviderError for anything but 2xx."""
        try:
            return checked(self._send(method, path, self.ask_seconds, **request))
        except httpx2.HTTPError as error:
            raise ProviderError(TRANSIENT, _named(error), permanent=False) from None

    def order(self, path: str, **request: Any) -> httpx2.Response:
        """A POST that buys a picture. What may have arrived is OUTCOME_UNKNOWN, never repeated."""
        try:
            answer = self._send("POST", path, self.order_seconds, **request)
        except NOT_SENT as error:
            raise ProviderError(TRANSIENT, _named(error), permanent=False) from None
        except httpx2.HTTPError as error:
            raise unknown(_named(error)) from None
        if answer.status_code in GATEWAY_TIMEOUTS:
            raise unknown(f"HTTP {answer.status_code}: {detail_of(answer)}")
        return checked(answer)

    def _send(self, method: str, path: str, seconds: float, **request: Any) -> httpx2.Response:
        """The whole answer, of a bounded size and within a bounded time."""
        limit = Limit(seconds)
        request["extensions"] = {"trace": limit.see}
        with limit, self.client.stream(method, path, **request) as answer:
            parts, size = [], 0
            for part in answer.iter_bytes():
                size += len(part)
                if size > MAX_ANSWER_BYTES:
                    raise httpx2.DecodingError("the answer is too large")
                parts.append(part)
        # The content is decoded already, so what spoke of its encoding must go.
        headers = [
            (name, value)
            for name, value in answer.headers.multi_items()
            if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
        ]
        whole = httpx2.Response(
            answer.status_code, headers=headers, content=b"".join(parts), request=answer.request
        )
        if (refusal := self.refusal(whole)) is not None:
            raise refusal
        return whole

    def refusal(self, answer: httpx2.Response) -> ProviderError | None:
        """What this vendor's own words mean. None: let the status speak, see ``failure``."""
        return None


def unknown(detail: str) -> ProviderError:
    return ProviderError(OUTCOME_UNKNOWN, detail, permanent=False, accepted=None)


def checked(answer: httpx2.Response) -> httpx2.Response:
    """The answer itself, if it is 2xx. A refusal with a status was provably not accepted."""
    if answer.is_success:
        return answer
    raise failure(answer.status_code, detail_of(answer), wait=retry_after(answer))


def failure(status: int, detail: str, *, wait: float | None = None) -> ProviderError:
    """What a status means by default. Adapters look at the body first where a vendor says more."""
    code = STATUSES.get(status, TRANSIENT if status >= 500 else MISCONFIGURED)
    detail = f"HTTP {status}: {detail}"[:DETAIL_CHARACTERS]
    passing = code in (TRANSIENT, RATE_LIMITED)
    return ProviderError(code, detail, permanent=not passing, accepted=False, wait=wait)


def json_of(answer: httpx2.Response) -> dict[str, Any]:
    """The answer as a JSON object. HTML and the like from a 2xx mean that nobody knows."""
    try:
        data = answer.json()
    except ValueError:
        raise unknown(f"not JSON: {answer.text[:200]!r}") from None
    if not isinstance(data, dict):
        raise unknown(f"not an object: {str(data)[:200]}")
    return data


def detail_of(answer: httpx2.Response) -> str:
    """The vendor's words, for staff, bounded."""
    return answer.text[:DETAIL_CHARACTERS]


def retry_after(answer: httpx2.Response) -> float | None:
    """Seconds to wait, from a Retry-After header in either of its two forms."""
    value = answer.headers.get("retry-after", "")
    if value.replace(".", "", 1).isdigit():
        return min(float(value), 3600.0)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _named(error: Exception) -> str:
    """The kind of a network error; its text may carry an address with a key in it."""
    return type(error).__name__
