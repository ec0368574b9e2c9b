"""Google's Gemini API: pictures out of ``generateContent``, one in each answer.

Options, all of them data:
``models``       per tool the model ids by preference: the next where one is no longer served
``image_size``   "1K", "2K" or "4K", where the model knows sizes; without it: the model's own
``generation``   more fields of generationConfig      ``safety``  safetySettings
``aspects``      the shapes that may be asked for
``most_pictures``, ``most_bytes``   how much may be sent at once
``prices``       in dollars: "picture" for each one, or "input", "output" per million tokens
``usd_rub``      without it, or without prices: cost unknown
``connect_seconds``, ``read_seconds``   time limits

Google does not serve Russian addresses: point the base URL at a proxy that may reach it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx2

from generation.providers.base import (
    INVALID_INPUT,
    MISCONFIGURED,
    NO_CREDITS,
    NO_IMAGE,
    POLICY,
    RATE_LIMITED,
    TRANSIENT,
    Config,
    Done,
    Fit,
    Order,
    ProviderError,
    Report,
    Waiting,
)
from generation.providers.foreign import as_dict, as_dicts, looks_like_a_picture
from generation.providers.vendor import (
    CONNECT_SECONDS,
    DETAIL_CHARACTERS,
    GATEWAY_TIMEOUTS,
    Vendor,
    detail_of,
    failure,
    json_of,
    retry_after,
    unknown,
)

BASE_URL = "https://generativelanguage.googleapis.com/v1beta"
READ_SECONDS = 240.0
PREFERRED = ("gemini-nano-banana-2.1", "gemini-3-pro-image")
ASPECTS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
MOST_PICTURES = 14
MOST_BYTES = 14 * 1024 * 1024
"""base64 makes a third more of them, and a request ends at 20 MB."""
MOST_PAGES = 10
MILLION = Decimal(1_000_000)
TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}

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
# What ends without a picture and is nobody's fault: the only reasons worth another try.
PASSING = ("NO_IMAGE", "OTHER", "IMAGE_OTHER", "MALFORMED_RESPONSE", "STOP", "")
REFUSALS = (
    "SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "RECITATION",
    "IMAGE_RECITATION", "SPII", "BLOCKLIST",
)  # fmt: skip


class Retired(ProviderError):
    """The model id is not served (any more): provably nothing was ordered."""


class Gemini:
    """Answers at once with the picture: there is nothing to ask after."""

    name = "gemini"
    tools = frozenset({"tryon", "edit", "imagine"})

    def __init__(self, config: Config) -> None:
        self.options = config.options
        self.aspects = tuple(config.options.get("aspects", ASPECTS))
        self.door = _door(config)

    def examine(self, order: Order) -> None:
        """Raises what no model of theirs can do, before anything is charged."""
        if order.tool not in self.tools:
            raise ProviderError("tool_unknown", order.tool)
        if order.tool == "tryon" and len(order.pictures) < 2:
            raise ProviderError("two_photos_needed")
        if order.tool == "edit" and not order.pictures:
            raise ProviderError("photo_needed")
        if order.tool != "tryon" and not order.prompt.strip():
            raise ProviderError("words_needed")
        if order.aspect not in (*self.aspects, "auto") or order.count < 1:
            raise ProviderError("size_unknown", f"{order.aspect} x {order.count}")
        if len(order.pictures) > self.options.get("most_pictures", MOST_PICTURES):
            raise ProviderError(INVALID_INPUT, "too many pictures for the model")
        if sum(map(len, order.pictures)) > self.options.get("most_bytes", MOST_BYTES):
            raise ProviderError(INVALID_INPUT, "the pictures are too large together")

    def locate(self, person: bytes, zone: str) -> Fit:
        """The model finds the place by itself."""
        return Fit(None)

    def start(self, order: Order, report: Report) -> Done:
        """One request for each picture."""
        self.examine(order)
        report(1, "starting")
        body, done = self._body(order), []
        for number in range(order.count):
            report(10 + 80 * number // order.count, "painting")
            done.append(self._next(order, body, done))
        report(90, "finishing")
        costs = [one.cost for one in done]
        return Done(
            pictures=tuple(picture for one in done for picture in one.pictures),
            model=done[0].model,
            cost=None if None in costs else sum(costs, Decimal(0)),
        )

    def check(self, ref: str, order: Order, report: Report) -> Done | Waiting:
        """The API keeps nothing that could be looked up."""
        raise unknown(f"gemini has no order {ref!r}")

    def listed_models(self) -> frozenset[str]:
        """The ids that are served now."""
        found, page = set(), {"pageSize": "1000"}
        for _ in range(MOST_PAGES):
            data = json_of(self.door.ask("GET", "models", params=page))
            found |= {str(row.get("name", "")) for row in as_dicts(data.get("models"))}
            if not data.get("nextPageToken"):
                break
            page["pageToken"] = str(data["nextPageToken"])
        return frozenset(name.removeprefix("models/") for name in found if name)

    def configured_models(self) -> frozenset[str]:
        """The ids that may be ordered from: a start-up check compares them with the listed."""
        return frozenset(name for tool in self.tools for name in self._models(tool))

    def _models(self, tool: str) -> tuple[str, ...]:
        ids = self.options.get("models", {}).get(tool) or PREFERRED
        return (ids,) if isinstance(ids, str) else tuple(ids)

    def _next(self, order: Order, body: dict[str, Any], done: list[Done]) -> Done:
        """One picture more. After the first something was bought, whatever happens to the next."""
        try:
            return self._order(order, body)
        except ProviderError as error:
            error.accepted = True if done else error.accepted
            raise

    def _order(self, order: Order, body: dict[str, Any]) -> Done:
        *first, last = self._models(order.tool)
        for model in first:
            try:
                return self._ordered(model, body)
            except Retired:
                continue
        return self._ordered(last, body)

    def _ordered(self, model: str, body: dict[str, Any]) -> Done:
        answer = self.door.order(f"models/{quote(model, safe='')}:generateContent", json=body)
        data = json_of(answer)
        if isinstance(data.get("error"), dict):
            raise _inside(answer)
        return Done(
            pictures=(picture_of(data),),
            model=str(data.get("modelVersion") or model),
            cost=self._cost(data.get("usageMetadata")),
        )

    def _body(self, order: Order) -> dict[str, Any]:
        parts = [{"text": order.prompt}, *_inline(order.pictures)]
        body = {
            "contents": [{"role": "user", "parts": parts}],
            "generationConfig": self._generation(order),
        }
        if safety := self.options.get("safety"):
            body["safetySettings"] = safety
        return body

    def _generation(self, order: Order) -> dict[str, Any]:
        """Without a shape the model keeps that of the first picture."""
        image = {}
        if order.aspect in self.aspects:
            image["aspectRatio"] = order.aspect
        if size := self.options.get("image_size"):
            image["imageSize"] = size
        generation = {"responseModalities": ["TEXT", "IMAGE"], **self.options.get("generation", {})}
        image = {**generation.get("imageConfig", {}), **image}
        return {**generation, "imageConfig": image} if image else generation

    def _cost(self, usage: Any) -> Decimal | None:
        """Rubles."""
        prices, rate = self.options.get("prices", {}), self.options.get("usd_rub")
        if "picture" in prices:
            dollars = Decimal(str(prices["picture"]))
        else:
            dollars = _by_tokens(usage, prices)
        return None if dollars is None or rate is None else round(dollars * Decimal(str(rate)), 4)


class Door(Vendor):
    """Google's body says more than its status. 502, 504 and 524 may come after the work began."""

    def refusal(self, answer: httpx2.Response) -> ProviderError | None:
        told = answer.is_error and answer.status_code not in GATEWAY_TIMEOUTS
        return refusal(answer) if told else None


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
        raise _no_image("broken base64") from None
    if not looks_like_a_picture(picture):
        raise _no_image(f"not a picture: {picture[:60]!r}")
    return picture


def no_picture(data: dict[str, Any]) -> ProviderError:
    """Why an answer holds none. A prompt that was blocked never reached the model."""
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


def _inside(answer: httpx2.Response) -> ProviderError:
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


def _door(config: Config) -> Door:
    # The key goes into a header: an address ends up in logs.
    return Door(
        (config.base_url or BASE_URL).rstrip("/") + "/",
        {"x-goog-api-key": config.key},
        connect_seconds=float(config.options.get("connect_seconds", CONNECT_SECONDS)),
        read_seconds=float(config.options.get("read_seconds", READ_SECONDS)),
    )


def _inline(pictures: tuple[bytes, ...]) -> Iterator[dict[str, Any]]:
    for data in pictures:
        mime = next((TYPES[magic] for magic in TYPES if data.startswith(magic)), None)
        if mime is None:
            raise ProviderError(INVALID_INPUT, "a picture is neither JPEG nor PNG")
        yield {"inline_data": {"mime_type": mime, "data": base64.b64encode(data).decode()}}


def _by_tokens(usage: Any, prices: Mapping[str, Any]) -> Decimal | None:
    """Dollars. Thoughts are sold as output."""
    usage = as_dict(usage)
    counts = [usage.get(name) for name in ("promptTokenCount", "candidatesTokenCount")]
    if not {"input", "output"} <= set(prices) or not all(isinstance(n, int) for n in counts):
        return None
    thoughts = usage.get("thoughtsTokenCount")
    output = counts[1] + (thoughts if isinstance(thoughts, int) else 0)
    sold = counts[0] * Decimal(str(prices["input"])) + output * Decimal(str(prices["output"]))
    return sold / MILLION


def _no_image(detail: str) -> ProviderError:
    """The order was taken, and probably paid for."""
    return ProviderError(NO_IMAGE, detail[:DETAIL_CHARACTERS], permanent=False, accepted=True)


def _words(candidate: Mapping[str, Any]) -> str:
    """What the model said instead of drawing."""
    parts = as_dicts(as_dict(candidate.get("content")).get("parts"))
    said = [str(part["text"]) for part in parts if part.get("text") and not part.get("thought")]
    return " ".join([str(candidate.get("finishMessage") or ""), *said]).strip()
