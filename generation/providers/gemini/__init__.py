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
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from generation.providers.base import (
    INVALID_INPUT,
    Config,
    Done,
    Fit,
    Order,
    Probe,
    ProviderError,
    Report,
    Waiting,
)
from generation.providers.foreign import as_dicts
from generation.providers.gemini.answers import by_tokens, picture_of
from generation.providers.gemini.refusals import Door, Retired, inside
from generation.providers.vendor import CONNECT_SECONDS, json_of, unknown

BASE_URL = "https://generativelanguage.googleapis.com/v1beta"
READ_SECONDS = 240.0
PREFERRED = ("gemini-nano-banana-2.1", "gemini-3-pro-image")
ASPECTS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
MOST_PICTURES = 14
MOST_BYTES = 14 * 1024 * 1024
"""base64 makes a third more of them, and a request ends at 20 MB."""
MOST_PAGES = 10
TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}


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

    def probe(self) -> Probe:
        return Probe(missing=self.configured_models() - self.listed_models())

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
            raise inside(answer)
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
            dollars = by_tokens(usage, prices)
        return None if dollars is None or rate is None else round(dollars * Decimal(str(rate)), 4)


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
