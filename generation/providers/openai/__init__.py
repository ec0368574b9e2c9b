"""OpenAI's Images API, and the servers that speak it: what they do differently is in FLAVOURS.

Options, all of them data:
``flavour``     a name of FLAVOURS, "openai" if none; any field of ``Flavour`` is an option as well
``models``      per tool the model ids by preference: the next where one is no longer served
``tools``       what the server's model can do, where that is less than the server
``fields``      sent with every order as they stand, like {"quality": "medium"}
``edit_fields`` sent with edits and try-ons only, like {"input_fidelity": "high"}
``hosts``       from where results may be fetched      ``headers`` such as OpenAI-Organization
``prices``      in dollars: "picture" for each one, or "text", "image", "output" per million tokens
``usd_rub``     without it, or without prices: cost unknown
``connect_seconds``, ``read_seconds``, ``download_seconds``   time limits
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2

from generation import fetching
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
from generation.providers.foreign import as_number, looks_like_a_picture
from generation.providers.openai.answers import DATA_URL, by_tokens, decoded, no_image
from generation.providers.openai.flavours import flavour_of
from generation.providers.openai.orders import TAG, attached, plain, size_for, text_of
from generation.providers.openai.refusals import Door, Retired, inside
from generation.providers.vendor import CONNECT_SECONDS, json_of, unknown

READ_SECONDS = 240.0
"""High quality takes up to two minutes, and nothing arrives before the whole picture."""
DOWNLOAD_SECONDS = 60.0


class OpenAI:
    """Answers at once with the pictures: there is nothing to ask after."""

    name = "openai"

    def __init__(self, config: Config) -> None:
        self.options = config.options
        self.flavour = flavour_of(config.options)
        self.base_url = (config.base_url or self.flavour.base_url).rstrip("/") + "/"
        self.tools = self._tools()
        self.hosts = frozenset(config.options.get("hosts", ())) | self._own_host()
        self.door = _door(self.base_url, config)

    def examine(self, order: Order) -> None:
        """Raises what the server cannot do, before anything is charged."""
        if order.tool not in self.tools:
            raise ProviderError("tool_unknown", order.tool)
        if order.tool == "tryon" and len(order.pictures) < 2:
            raise ProviderError("two_photos_needed")
        if order.tool == "edit" and not order.pictures:
            raise ProviderError("photo_needed")
        if len(order.prompt) > self.flavour.words:
            raise ProviderError(INVALID_INPUT, "too many words for the model")
        if order.tool != "tryon" and not plain(order.prompt).strip():
            raise ProviderError("words_needed")
        if order.aspect not in (*self.flavour.sizes, "auto") or order.count < 1:
            raise ProviderError("size_unknown", f"{order.aspect} x {order.count}")
        if len(order.pictures) > self.flavour.most_pictures:
            raise ProviderError(INVALID_INPUT, "too many pictures for the model")

    def locate(self, person: bytes, zone: str) -> Fit:
        """The model finds the place by itself."""
        return Fit(None)

    def start(self, order: Order, report: Report) -> Done:
        """Asks until ``count`` pictures are there: a server may send fewer than asked for."""
        self.examine(order)
        report(1, "starting")
        done = Done(())
        while len(done.pictures) < order.count:
            report(10 + 80 * len(done.pictures) // order.count, "painting")
            done = self._more(order, done)
        report(90, "finishing")
        return done

    def check(self, ref: str, order: Order, report: Report) -> Done | Waiting:
        """The API keeps nothing that could be looked up."""
        raise unknown(f"{self.flavour.base_url or 'the server'} has no order {ref!r}")

    def listed_models(self) -> frozenset[str]:
        """The ids that are served now."""
        data = json_of(self.door.ask("GET", urljoin(self.base_url, self.flavour.models_path)))
        rows = data.get("data") if isinstance(data.get("data"), list) else [data]
        names = [row.get("id") or row.get("model_path") for row in rows if isinstance(row, dict)]
        return frozenset(name for name in names if isinstance(name, str))

    def configured_models(self) -> frozenset[str]:
        """The ids that may be ordered from: a start-up check compares them with the listed."""
        return frozenset(name for tool in self.tools for name in self._models(tool) if name)

    def probe(self) -> Probe:
        return Probe(missing=self.configured_models() - self.listed_models())

    def _tools(self) -> frozenset[str]:
        can = {"imagine", "tryon", "edit"} if self.flavour.edits else {"imagine"}
        can &= set(self.options.get("tools", can))
        return frozenset(tool for tool in can if self._models(tool))

    def _own_host(self) -> frozenset[str]:
        """The operator wrote this origin down himself."""
        if not self.flavour.own_results:
            return frozenset()
        parts = urlsplit(self.base_url)
        return frozenset({f"{parts.scheme}://{parts.netloc}"})

    def _models(self, tool: str) -> tuple[str, ...]:
        """By preference; an empty id is not sent."""
        ids = self.options.get("models", {}).get(tool) or self.flavour.default_models
        ids = (ids,) if isinstance(ids, str) else tuple(ids)
        return ids or (() if self.flavour.needs_model else ("",))

    def _more(self, order: Order, done: Done) -> Done:
        made = len(done.pictures)
        number = min(order.count - made, self.flavour.most_made)
        try:
            more = self._order(replace(order, count=number, seed=order.seed + made))
        except ProviderError as error:
            error.accepted = True if made else error.accepted
            raise
        cost = None if None in (done.cost, more.cost) else done.cost + more.cost
        return Done((*done.pictures, *more.pictures)[: order.count], more.model, cost)

    def _order(self, order: Order) -> Done:
        *first, last = self._models(order.tool)
        for model in first:
            try:
                return self._ordered(order, model)
            except Retired:
                continue
        return self._ordered(order, last)

    def _ordered(self, order: Order, model: str) -> Done:
        body = self._body(order, model)
        if order.pictures:
            files = [(self.flavour.picture_field, part) for part in attached(order.pictures)]
            form = {name: text_of(value) for name, value in body.items()}
            answer = self.door.order("images/edits", data=form, files=files)
        else:
            answer = self.door.order("images/generations", json=body)
        data = json_of(answer)
        if data.get("error") and not data.get("data"):
            raise inside(answer)
        pictures = tuple(self._pictures(data))
        return Done(
            pictures, str(data.get("model") or model), self._cost(answer, data, len(pictures))
        )

    def _body(self, order: Order, model: str) -> dict[str, Any]:
        """The fields that both endpoints share. What a server does not know is not sent."""
        flavour = self.flavour
        own = {"model": model, "prompt": self._prompt(order), "n": order.count}
        if size := size_for(order, flavour.sizes):
            own["size"] = size
        if flavour.response_format:
            own["response_format"] = "b64_json"
        if flavour.seed_field:
            own[flavour.seed_field] = order.seed
        chosen = dict(self.options.get("fields", {}))
        if order.pictures:
            chosen |= self.options.get("edit_fields", {})
        return {name: value for name, value in (chosen | own).items() if value != ""}

    def _prompt(self, order: Order) -> str:
        prompt = plain(order.prompt)
        if self.flavour.splits_prompt:
            # There is no escape for it: the server cuts at every one.
            prompt = prompt.replace("|", "/")
        if self.flavour.seed_in_prompt:
            prompt += f"<{TAG}>{json.dumps({'seed': order.seed})}</{TAG}>"
        return prompt

    def _pictures(self, data: dict[str, Any]) -> Iterator[bytes]:
        rows = data.get("data")
        if not rows or not isinstance(rows, list):
            raise no_image(f"no data: {str(data)[:200]}")
        for row in rows:
            picture = self._picture(row if isinstance(row, dict) else {})
            if not looks_like_a_picture(picture):
                raise no_image(f"not a picture: {picture[:60]!r}")
            yield picture

    def _picture(self, row: dict[str, Any]) -> bytes:
        if text := row.get("b64_json"):
            return decoded(text)
        if url := row.get("url"):
            return self._fetched(str(url))
        raise no_image(f"neither b64_json nor url: {str(row)[:200]}")

    def _fetched(self, url: str) -> bytes:
        if DATA_URL.match(url):
            return decoded(url)
        seconds = float(self.options.get("download_seconds", DOWNLOAD_SECONDS))
        url = urljoin(self.base_url, url)
        try:
            return fetching.download(url, hosts=self.hosts, seconds=seconds)
        except fetching.Refused as error:
            raise no_image(str(error)) from None

    def _cost(self, answer: httpx2.Response, data: dict[str, Any], made: int) -> Decimal | None:
        """Rubles: what a gateway says, or the price of a picture, or the tokens at their prices."""
        dollars = as_number(answer.headers.get(self.flavour.cost_header or "-"))
        prices, rate = self.options.get("prices", {}), as_number(self.options.get("usd_rub"))
        if dollars is None and "picture" in prices:
            dollars = made * Decimal(str(prices["picture"]))
        if dollars is None:
            dollars = by_tokens(data.get("usage"), prices)
        return None if dollars is None or rate is None else round(dollars * rate, 4)


def _door(base_url: str, config: Config) -> Door:
    headers = {"Authorization": f"Bearer {config.key}"} if config.key else {}
    return Door(
        base_url,
        {**headers, **config.options.get("headers", {})},
        connect_seconds=float(config.options.get("connect_seconds", CONNECT_SECONDS)),
        read_seconds=float(config.options.get("read_seconds", READ_SECONDS)),
    )
