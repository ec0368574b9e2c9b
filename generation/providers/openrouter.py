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
import binascii
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import httpx2

from generation import fetching
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
from generation.providers.foreign import as_dict, as_dicts, as_number
from generation.providers.vendor import (
    CONNECT_SECONDS,
    DETAIL_CHARACTERS,
    Vendor,
    json_of,
    retry_after,
    unknown,
)

BASE_URL = "https://openrouter.ai/api/v1"
READ_SECONDS = 240.0
"""A picture takes 15 to 60 s, a large one minutes; nothing arrives before it is done."""

MAX_SEED = 2**31
"""Seeds are 31 bits with most vendors; the neighbour of the last one is the first."""

CHAT, IMAGES = "chat", "images"
ASPECTS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")


@dataclass(frozen=True)
class Model:
    """How one model is asked, and for what."""

    way: str = CHAT
    modalities: tuple[str, ...] = ("image", "text")  # chat only; image-only models: ("image",)
    most: int = 10  # pictures sent along
    batch: int = 1  # pictures that one request may ask for, /images only
    words: int = 20000  # characters of the prompt
    aspects: tuple[str, ...] = ASPECTS
    size: str = ""  # "1K", "2K": image_size in chat, resolution in /images
    seeded: bool = True
    fixed: Mapping[str, Any] = field(default_factory=dict)  # sent as it stands


MODELS = {
    "google/gemini-3-pro-image": Model(size="1K"),
    "google/gemini-3.1-flash-lite-image": Model(),
    "openai/gpt-image-2": Model(IMAGES, batch=4, seeded=False),
    "black-forest-labs/flux.2-pro": Model(modalities=("image",), most=8),
}
# The newest id for which no shutdown is announced. It is checked against the vendor's list.
PREFERRED = "google/gemini-3-pro-image"

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


@dataclass(frozen=True)
class Answer:
    """What one request brought: where the pictures are, and what they cost in dollars."""

    urls: tuple[str, ...]
    model: str = ""
    dollars: Decimal | None = None


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
            raise _no_image(f"{len(pictures)} of {order.count} pictures came")
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
        return _chat_answer(json_of(self.door.order("/chat/completions", json=body)))

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
        return _images_answer(json_of(self.door.order("/images", json=body)), model_id)

    def _common(self, model: Model, order: Order, first: int) -> dict[str, Any]:
        seed = {"seed": (order.seed + first) % MAX_SEED} if model.seeded else {}
        routing = self.options.get("provider")
        return {**seed, **({"provider": routing} if routing else {}), **model.fixed}

    def _picture(self, url: str) -> bytes:
        data = _decoded(url) if url.startswith("data:") else self._fetched(url)
        if not _type(data):
            raise _no_image(f"not a picture: {data[:60]!r}")
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


class Door(Vendor):
    """OpenRouter's own words about an error come before the meaning of the status."""

    def refusal(self, answer: httpx2.Response) -> ProviderError | None:
        return _error_in(answer)


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
    return f"data:{_type(picture)};base64,{base64.b64encode(picture).decode()}"


def _chat_answer(body: dict[str, Any]) -> Answer:
    """Pictures lie beside the words of the answer; there may be words only."""
    choice = next(iter(as_dicts(body.get("choices"))), {})
    message = as_dict(choice.get("message"))
    if choice.get("error") or choice.get("finish_reason") == "error":
        raise _meaning(as_dict(choice.get("error")), 500, accepted=True)
    if choice.get("finish_reason") == "content_filter" or message.get("refusal"):
        raise _policy(message)
    links = [
        as_dict(image.get("image_url")).get("url") for image in as_dicts(message.get("images"))
    ]
    urls = tuple(url for url in links if isinstance(url, str) and url)
    if not urls:
        raise _no_image(f"words only: {message.get('content')!r}")
    # One request is for one picture: whatever else lies there is a draft of it.
    return Answer(urls[:1], str(body.get("model") or ""), _dollars(body))


def _images_answer(body: dict[str, Any], model_id: str) -> Answer:
    urls = tuple(url for row in as_dicts(body.get("data")) if (url := _url_of(row)))
    if not urls:
        raise _no_image("no pictures in the answer")
    return Answer(urls, str(body.get("model") or model_id), _dollars(body))


def _url_of(row: dict[str, Any]) -> str:
    if row.get("b64_json"):
        return f"data:;base64,{row['b64_json']}"
    return str(row.get("url") or "")


def _dollars(body: dict[str, Any]) -> Decimal | None:
    return as_number(as_dict(body.get("usage")).get("cost"))


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
    return _meaning(error, status, wait=retry_after(answer), accepted=answer.is_success)


def _meaning(
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


def _policy(message: dict[str, Any]) -> ProviderError:
    words = message.get("refusal") or message.get("content") or "content_filter"
    return ProviderError(POLICY, str(words)[:DETAIL_CHARACTERS], accepted=True)


def _no_image(detail: str) -> ProviderError:
    return ProviderError(NO_IMAGE, detail[:DETAIL_CHARACTERS], accepted=True)


def _decoded(url: str) -> bytes:
    """The bytes in a data: address. Its label is not believed, see ``_type``."""
    head, _, text = url.partition(",")
    try:
        return base64.b64decode("".join(text.split()), validate=True) if ";base64" in head else b""
    except (binascii.Error, ValueError):
        raise _no_image(f"broken base64: {text[:40]!r}") from None


def _examine_inputs(order: Order) -> None:
    if order.tool == "tryon" and len(order.pictures) < 2:
        raise ProviderError("two_photos_needed")
    if order.tool == "edit" and not order.pictures:
        raise ProviderError("photo_needed")
    if order.tool != "tryon" and not order.prompt.strip():
        raise ProviderError("words_needed")


def _type(data: bytes) -> str:
    """The type of a picture by its first bytes; empty where it is none."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    return "image/jpeg" if data.startswith(b"\xff\xd8\xff") else ""
