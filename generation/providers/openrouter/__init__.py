"""OpenRouter: pictures through /images, or through chat with modalities, as each model wants it.

The answer is the picture itself, so ``start`` blocks until it is there and nothing is ever waited
for. Options, all of them data:
``models``  {tool: model id}                     ``fields``  {model id: {field of ``Model``: value}}
``usd_rub`` without it the cost is unknown       ``hosts``   from where linked results may come
``provider`` OpenRouter's routing preferences    ``title``, ``referer``  how we introduce ourselves
``connect_seconds``, ``read_seconds``            time limits
"""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

from generation import fetching
from generation.providers.base import (
    INVALID_INPUT,
    MISCONFIGURED,
    NO_CREDITS,
    NO_IMAGE,
    TRANSIENT,
    Config,
    Done,
    Fit,
    Order,
    Probe,
    ProviderError,
    Report,
    Waiting,
)
from generation.providers.foreign import as_dict, as_dicts, as_number
from generation.providers.openrouter.answers import (
    Answer,
    chat_answer,
    decoded,
    images_answer,
    no_image,
    type_of,
)
from generation.providers.openrouter.models import CHAT, IMAGES, MODELS, PREFERRED, Model
from generation.providers.openrouter_errors import Door
from generation.providers.vendor import CONNECT_SECONDS, DETAIL_CHARACTERS, json_of

BASE_URL = "https://openrouter.ai/api/v1"
READ_SECONDS = 240.0
"""A picture takes 15 to 60 s, a large one minutes; nothing arrives before it is done."""

MAX_SEED = 2**31
"""Seeds are 31 bits with most vendors; the neighbour of the last one is the first."""


class OpenRouter:
    """One request for each picture, side by side, or several pictures in one where that works."""

    name = "openrouter"
    tools = frozenset({"tryon", "edit", "imagine"})

    def __init__(self, config: Config) -> None:
        self.options = options = config.options
        self.hosts = frozenset(options.get("hosts", ()))
        self.door = Door(
            config.base_url or BASE_URL,
            _headers(config),
            connect_seconds=float(options.get("connect_seconds", CONNECT_SECONDS)),
            read_seconds=float(options.get("read_seconds", READ_SECONDS)),
        )

    def examine(self, order: Order) -> None:
        """Raises what the model of the tool cannot do."""
        model = self._model(self._id(order.tool))
        _examine_inputs(order)
        if order.aspect not in (*model.aspects, "auto") or order.count < 1:
            raise ProviderError("size_unknown", f"{order.aspect} x {order.count}")
        if len(order.prompt) > model.words or len(order.pictures) > model.most:
            raise ProviderError(INVALID_INPUT, "too many words or pictures for the model")

    def locate(self, person: bytes, zone: str) -> Fit:
        """The model finds the place by itself."""
        return Fit(None)

    def start(self, order: Order, report: Report) -> Done:
        self.examine(order)
        report(5, "painting")
        answers = self._answers(order)
        report(90, "finishing")
        pictures = tuple(self._picture(url) for answer in answers for url in answer.urls)
        if len(pictures) < order.count:
            raise no_image(f"{len(pictures)} of {order.count} pictures came")
        return Done(pictures[: order.count], answers[0].model, self._rubles(answers))

    def check(self, ref: str, order: Order, report: Report) -> Done | Waiting:
        """Never asked: ``start`` always returns the pictures themselves."""
        raise ProviderError("nothing_waits", f"openrouter has no job {ref!r}")

    def listed_models(self) -> frozenset[str]:
        """The ids that OpenRouter has now, for pictures, by the ways that are set up here."""
        ways = {self._model(self._id(tool)).way for tool in self.tools}
        paths = {CHAT: "/models?output_modalities=image", IMAGES: "/images/models"}
        return frozenset(id_ for way in ways for id_ in self._listed(paths[way]))

    def configured_models(self) -> frozenset[str]:
        """The ids that are set up; one that is not listed is for staff to replace."""
        return frozenset(self._id(tool) for tool in self.tools)

    def probe(self) -> Probe:
        """The list of models is open to everybody, so the key is asked about by itself."""
        left = self._dollars_left()
        if left is not None and left <= 0:
            raise ProviderError(NO_CREDITS, f"{left} dollars are left")
        credits = "" if left is None else f"${left.quantize(Decimal('0.01'))}"
        missing = self.configured_models() - self.listed_models()
        return Probe(credits, missing, balance=left)

    def _dollars_left(self) -> Decimal | None:
        """What the key may still spend; without a limit of its own, what the account holds."""
        about = as_dict(json_of(self.door.ask("GET", "/key")).get("data"))
        if isinstance(about.get("limit_remaining"), (int, float)):
            return Decimal(str(about["limit_remaining"]))
        with suppress(ProviderError):  # only some keys may ask this
            account = as_dict(json_of(self.door.ask("GET", "/credits")).get("data"))
            bought, used = as_number(account.get("total_credits")), account.get("total_usage")
            return None if bought is None else bought - (as_number(used) or 0)
        return None

    def _listed(self, path: str) -> list[str]:
        rows = json_of(self.door.ask("GET", path)).get("data")
        return [str(row["id"]) for row in as_dicts(rows) if row.get("id")]

    def _id(self, tool: str) -> str:
        if tool not in self.tools:
            raise ProviderError("tool_unknown", tool)
        return self.options.get("models", {}).get(tool) or PREFERRED

    def _model(self, model_id: str) -> Model:
        changes = self.options.get("fields", {}).get(model_id, {})
        try:
            return replace(MODELS.get(model_id, Model()), **changes)
        except TypeError as error:
            raise ProviderError(MISCONFIGURED, f"fields of {model_id}: {error}") from None

    def _answers(self, order: Order) -> list[Answer]:
        """Every request's answer. Where any was bought, a failure of another is no free refusal."""
        model_id = self._id(order.tool)
        ask = self._chat if self._model(model_id).way == CHAT else self._images
        batches = _batches(order.count, self._model(model_id))
        with ThreadPoolExecutor(len(batches)) as pool:
            asked = [pool.submit(ask, model_id, order, *batch) for batch in batches]
        failures = [error for each in asked if (error := each.exception())]
        if not failures:
            return [each.result() for each in asked]
        error = _worst(failures)
        if len(failures) < len(asked) and isinstance(error, ProviderError):
            error.accepted = True
        raise error

    def _chat(self, model_id: str, order: Order, first: int, count: int) -> Answer:
        model = self._model(model_id)
        shape = {"aspect_ratio": order.aspect} if order.aspect in model.aspects else {}
        shape |= {"image_size": model.size} if model.size else {}
        body = {
            "model": model_id,
            "modalities": list(model.modalities),
            # The words go first: OpenRouter reads pictures better after them.
            "messages": [{"role": "user", "content": [_text(order.prompt), *_linked(order)]}],
            **({"image_config": shape} if shape else {}),
            **self._common(model, order, first),
        }
        return chat_answer(json_of(self.door.order("/chat/completions", json=body)))

    def _images(self, model_id: str, order: Order, first: int, count: int) -> Answer:
        model = self._model(model_id)
        body = {
            "model": model_id,
            "prompt": order.prompt,
            "n": count,
            "aspect_ratio": order.aspect,
            **({"resolution": model.size} if model.size else {}),
            **({"input_references": _linked(order)} if order.pictures else {}),
            **self._common(model, order, first),
        }
        return images_answer(json_of(self.door.order("/images", json=body)), model_id)

    def _common(self, model: Model, order: Order, first: int) -> dict[str, Any]:
        seed = {"seed": (order.seed + first) % MAX_SEED} if model.seeded else {}
        routing = self.options.get("provider")
        return {**seed, **({"provider": routing} if routing else {}), **model.fixed}

    def _picture(self, url: str) -> bytes:
        data = decoded(url) if url.startswith("data:") else self._fetched(url)
        if not type_of(data):
            raise no_image(f"not a picture: {data[:60]!r}")
        return data

    def _fetched(self, url: str) -> bytes:
        try:
            return fetching.download(url, hosts=self.hosts)
        except fetching.Refused as error:
            kind = TRANSIENT if error.passing else NO_IMAGE
            detail = f"download: {error}"[:DETAIL_CHARACTERS]
            # There is nothing to ask again for: the picture is bought, and it is gone.
            raise ProviderError(kind, detail, permanent=not error.passing, accepted=True) from None

    def _rubles(self, answers: list[Answer]) -> Decimal | None:
        rate, dollars = as_number(self.options.get("usd_rub")), [each.dollars for each in answers]
        if rate is None or None in dollars:
            return None
        return (sum(dollars, Decimal(0)) * rate).quantize(Decimal("0.0001"))


def _headers(config: Config) -> dict[str, str]:
    names = {"title": "X-OpenRouter-Title", "referer": "HTTP-Referer"}
    said = {names[key]: str(config.options[key]) for key in names if config.options.get(key)}
    return {"Authorization": f"Bearer {config.key}", **said}


def _batches(count: int, model: Model) -> list[tuple[int, int]]:
    """(number of the first picture, how many) for each request. Chat makes one at a time."""
    most = model.batch if model.way == IMAGES else 1
    return [(first, min(most, count - first)) for first in range(0, count, most)]


def _worst(failures: list[BaseException]) -> BaseException:
    """The failure that says most: that may have bought a picture, then that will not pass."""

    def weight(error: BaseException) -> tuple[bool, bool, bool]:
        if not isinstance(error, ProviderError):
            return True, True, True
        return error.accepted is True, error.accepted is None, error.permanent

    return max(failures, key=weight)


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def _linked(order: Order) -> list[dict[str, Any]]:
    """The pictures themselves, as data: addresses."""
    return [{"type": "image_url", "image_url": {"url": _data_uri(p)}} for p in order.pictures]


def _data_uri(picture: bytes) -> str:
    return f"data:{type_of(picture)};base64,{base64.b64encode(picture).decode()}"


def _examine_inputs(order: Order) -> None:
    if order.tool == "tryon" and len(order.pictures) < 2:
        raise ProviderError("two_photos_needed")
    if order.tool == "edit" and not order.pictures:
        raise ProviderError("photo_needed")
    if order.tool != "tryon" and not order.prompt.strip():
        raise ProviderError("words_needed")
