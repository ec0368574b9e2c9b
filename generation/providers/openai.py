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

import base64
import binascii
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2
from PIL import Image, UnidentifiedImageError

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
from generation.providers.foreign import as_number, looks_like_a_picture
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

READ_SECONDS = 240.0
"""High quality takes up to two minutes, and nothing arrives before the whole picture."""
DOWNLOAD_SECONDS = 60.0
MILLION = Decimal(1_000_000)

# Both sides divisible by 16, as gpt-image-2 wants it; the shapes are exact.
FREE_SIZES = {
    "auto": "auto", "1:1": "1024x1024", "3:4": "1152x1536", "4:3": "1536x1152",
    "9:16": "864x1536", "16:9": "1536x864",
}  # fmt: skip
# What every model behind OpenAI's API has known, whatever a gateway passes the order to.
CLASSIC_SIZES = {
    "auto": "auto", "1:1": "1024x1024", "3:4": "1024x1536", "4:3": "1536x1024",
    "9:16": "1024x1536", "16:9": "1536x1024",
}  # fmt: skip
# One megapixel in steps of 64, as Stable Diffusion likes it. No "auto": the nearest shape is sent.
STEPPED_SIZES = {
    "1:1": "1024x1024", "3:4": "768x1024", "4:3": "1024x768",
    "9:16": "576x1024", "16:9": "1024x576",
}  # fmt: skip


@dataclass(frozen=True)
class Flavour:
    """What one server wants to be sent, and what it cannot do."""

    base_url: str = ""  # of the vendor; a server of one's own has none
    default_models: tuple[str, ...] = ()
    needs_model: bool = False  # False: the server has one model and chooses by itself
    edits: bool = True
    picture_field: str = "image[]"
    most_pictures: int = 16
    most_made: int = 10  # pictures in one answer
    words: int = 32_000  # characters of the prompt
    sizes: Mapping[str, str] = field(default_factory=lambda: STEPPED_SIZES)
    response_format: bool = True  # OpenAI's own models refuse it
    seed_field: str = ""
    seed_in_prompt: bool = False  # sd.cpp reads its parameters out of a tag in the prompt
    splits_prompt: bool = False  # what follows "|" would be a negative prompt
    own_results: bool = False  # results may be addresses on the server itself
    models_path: str = "models"  # relative to the base URL
    cost_header: str = ""  # dollars


FLAVOURS = {
    "openai": Flavour(
        base_url="https://api.openai.com/v1", needs_model=True,
        default_models=("gpt-image-2", "gpt-image-2.5-flare", "gpt-image-1.5"),
        sizes=FREE_SIZES, response_format=False,
    ),
    "litellm": Flavour(
        needs_model=True, sizes=CLASSIC_SIZES, response_format=False,
        cost_header="x-litellm-response-cost",
    ),
    "vllm-omni": Flavour(picture_field="image", seed_field="seed"),
    "sglang": Flavour(
        picture_field="image", seed_field="seed", own_results=True, models_path="../models"
    ),
    "sd.cpp": Flavour(
        default_models=("sd-cpp-local",), seed_in_prompt=True, response_format=False
    ),
    "localai": Flavour(
        needs_model=True, edits=False, splits_prompt=True, own_results=True
    ),
}  # fmt: skip

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
TAG = "sd_cpp_extra_args"
TAGGED = re.compile(rf"<\s*{TAG}\s*>.*?<\s*/\s*{TAG}\s*>", re.IGNORECASE | re.DOTALL)
TAG_NAME = re.compile(TAG, re.IGNORECASE)
TYPES = {b"\x89PNG": ("png", "image/png"), b"\xff\xd8\xff": ("jpg", "image/jpeg")}
DATA_URL = re.compile(r"data:[a-z/+.-]{0,40};base64,", re.IGNORECASE)


class Retired(ProviderError):
    """The model id is not served (any more): provably nothing was ordered."""


class OpenAI:
    """Answers at once with the pictures: there is nothing to ask after."""

    name = "openai"

    def __init__(self, config: Config) -> None:
        self.options = config.options
        self.flavour = _flavour(config.options)
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
            files = [(self.flavour.picture_field, part) for part in _parts(order.pictures)]
            form = {name: _text(value) for name, value in body.items()}
            answer = self.door.order("images/edits", data=form, files=files)
        else:
            answer = self.door.order("images/generations", json=body)
        data = json_of(answer)
        if data.get("error") and not data.get("data"):
            raise _inside(answer)
        pictures = tuple(self._pictures(data))
        return Done(
            pictures, str(data.get("model") or model), self._cost(answer, data, len(pictures))
        )

    def _body(self, order: Order, model: str) -> dict[str, Any]:
        """The fields that both endpoints share. What a server does not know is not sent."""
        flavour = self.flavour
        own = {"model": model, "prompt": self._prompt(order), "n": order.count}
        if size := _size(order, flavour.sizes):
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
            raise _no_image(f"no data: {str(data)[:200]}")
        for row in rows:
            picture = self._picture(row if isinstance(row, dict) else {})
            if not looks_like_a_picture(picture):
                raise _no_image(f"not a picture: {picture[:60]!r}")
            yield picture

    def _picture(self, row: dict[str, Any]) -> bytes:
        if text := row.get("b64_json"):
            return _decoded(text)
        if url := row.get("url"):
            return self._fetched(str(url))
        raise _no_image(f"neither b64_json nor url: {str(row)[:200]}")

    def _fetched(self, url: str) -> bytes:
        if DATA_URL.match(url):
            return _decoded(url)
        seconds = float(self.options.get("download_seconds", DOWNLOAD_SECONDS))
        url = urljoin(self.base_url, url)
        try:
            return fetching.download(url, hosts=self.hosts, seconds=seconds)
        except fetching.Refused as error:
            raise _no_image(str(error)) from None

    def _cost(self, answer: httpx2.Response, data: dict[str, Any], made: int) -> Decimal | None:
        """Rubles: what a gateway says, or the price of a picture, or the tokens at their prices."""
        dollars = as_number(answer.headers.get(self.flavour.cost_header or "-"))
        prices, rate = self.options.get("prices", {}), as_number(self.options.get("usd_rub"))
        if dollars is None and "picture" in prices:
            dollars = made * Decimal(str(prices["picture"]))
        if dollars is None:
            dollars = _by_tokens(data.get("usage"), prices)
        return None if dollars is None or rate is None else round(dollars * rate, 4)


class Door(Vendor):
    """An error's code says more than its status. 502, 504 and 524 may come from in between."""

    def refusal(self, answer: httpx2.Response) -> ProviderError | None:
        told = answer.is_error and answer.status_code not in GATEWAY_TIMEOUTS
        return refusal(answer) if told else None


def plain(prompt: str) -> str:
    """The prompt without sd.cpp's tag of parameters, however it was put together."""
    prompt = TAGGED.sub("", prompt)
    # What is left of the prompt may join into the name anew.
    while (shorter := TAG_NAME.sub("", prompt)) != prompt:
        prompt = shorter
    return prompt


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


def _inside(answer: httpx2.Response) -> ProviderError:
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


def _no_image(detail: str) -> ProviderError:
    """The order was taken, and probably paid for."""
    detail = detail[:DETAIL_CHARACTERS]
    return ProviderError(NO_IMAGE, detail, permanent=False, accepted=True)


def _flavour(options: Mapping[str, Any]) -> Flavour:
    name = options.get("flavour", "openai")
    if name not in FLAVOURS:
        raise ProviderError(MISCONFIGURED, f"flavour {name!r}, not one of {', '.join(FLAVOURS)}")
    known = {entry.name for entry in fields(Flavour)}
    return replace(FLAVOURS[name], **{key: options[key] for key in known & set(options)})


def _door(base_url: str, config: Config) -> Door:
    headers = {"Authorization": f"Bearer {config.key}"} if config.key else {}
    return Door(
        base_url,
        {**headers, **config.options.get("headers", {})},
        connect_seconds=float(config.options.get("connect_seconds", CONNECT_SECONDS)),
        read_seconds=float(config.options.get("read_seconds", READ_SECONDS)),
    )


def _parts(pictures: tuple[bytes, ...]) -> Iterator[tuple[str, bytes, str]]:
    """File name, bytes and content type: without a true type the file is refused."""
    for number, data in enumerate(pictures, 1):
        known = next((TYPES[magic] for magic in TYPES if data.startswith(magic)), None)
        if known is None:
            raise ProviderError(INVALID_INPUT, f"picture {number} is neither JPEG nor PNG")
        yield f"picture-{number}.{known[0]}", data, known[1]


def _text(value: Any) -> str:
    """A form field: JSON's true and false, not Python's."""
    return value if isinstance(value, str) else json.dumps(value)


def _size(order: Order, sizes: Mapping[str, str]) -> str:
    """From the table; without an entry for "auto", the shape nearest to the first picture's."""
    if order.aspect in sizes:
        return sizes[order.aspect]
    if not order.pictures:
        return sizes.get("1:1", "")
    try:
        with Image.open(io.BytesIO(order.pictures[0])) as picture:
            ratio = picture.width / picture.height
    except (UnidentifiedImageError, OSError):
        raise ProviderError(INVALID_INPUT, "the first picture cannot be opened") from None
    return min(sizes.values(), key=lambda size: abs(_shape(size) / ratio - 1), default="")


def _shape(size: str) -> float:
    across, _, down = size.partition("x")
    return int(across) / int(down)


def _decoded(text: Any) -> bytes:
    """base64, with or without a data URL's beginning."""
    text = str(text)
    start = DATA_URL.match(text)
    try:
        return base64.b64decode("".join(text[start.end() if start else 0 :].split()), validate=True)
    except (binascii.Error, ValueError):
        raise _no_image("broken base64") from None


def _by_tokens(usage: Any, prices: Mapping[str, Any]) -> Decimal | None:
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
