"""kie.ai: the Nano Banana family. A task is ordered, then asked after until it ends.

Options, all of them data:
``models``        per tool the model ids by preference: the next where one is no longer served
``fields``        {model id: {field of ``Model``: value}}, over the table below
``hosts``         from where results may be fetched       ``upload_url``  where photos are sent
``call_back_url`` where kie tells that a task ended; without it we only ask
``credit_usd``    price of one of kie's credits           ``usd_rub``     without it: cost unknown
``poll_seconds``, ``connect_seconds``, ``read_seconds``   time limits
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
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
    OUTCOME_UNKNOWN,
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
from generation.providers.foreign import as_dict, as_number, looks_like_a_picture
from generation.providers.vendor import (
    CONNECT_SECONDS,
    DETAIL_CHARACTERS,
    GATEWAY_TIMEOUTS,
    READ_SECONDS,
    Vendor,
    json_of,
    retry_after,
    unknown,
)

BASE_URL = "https://api.kie.ai"
UPLOAD_URL = "https://kieai.redpandaai.co"
HOSTS = (".aiquickdraw.com", "tempfile.redpandaai.co")
UPLOAD_PATH = "studio"
CREDIT_USD = Decimal("0.005")
POLL_SECONDS = 3.0
SLOWEST_POLL_SECONDS = 15.0
RATE_WINDOW_SECONDS = 10.0
"""A request over the limit is dropped, and the limit counts over this long."""
CALLBACK_WINDOW_SECONDS = 300

COMMON = ("1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto")
EXTREME = ("1:4", "4:1", "1:8", "8:1")


@dataclass(frozen=True)
class Model:
    """What one model wants to be sent. No two of them agree on the names."""

    pictures: str = ""  # the field with the addresses; empty: it takes no pictures
    most: int = 0  # pictures
    megabytes: int = 30  # each
    words: int = 5000  # characters of the prompt
    aspects: tuple[str, ...] = COMMON
    fixed: Mapping[str, Any] = field(default_factory=dict)  # sent as it stands


MODELS = {
    "google/nano-banana": Model(fixed={"output_format": "png"}),
    "google/nano-banana-edit": Model("image_urls", 10, 10, fixed={"output_format": "png"}),
    "nano-banana-pro": Model(
        "image_input", 8, words=10000, fixed={"resolution": "1K", "output_format": "png"}
    ),
    "nano-banana-2": Model(
        "image_input", 14, words=20000, aspects=COMMON + EXTREME,
        fixed={"resolution": "1K", "output_format": "jpg"},
    ),
    "nano-banana-2-lite": Model("image_urls", 10, 10, aspects=COMMON + EXTREME),
}  # fmt: skip

# The google/ ones front a model with a shutdown date, so they are not among the defaults.
PREFERRED = ("nano-banana-2-lite", "nano-banana-2", "nano-banana-pro")

PERCENT = {"waiting": 5, "queuing": 10, "generating": 40, "success": 90}

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


@dataclass(frozen=True)
class Record:
    """What kie knows of a task. A state that we have never heard of is not the end."""

    state: str
    model: str = ""
    urls: tuple[str, ...] = ()
    credits: Decimal | None = None
    failure: str = ""
    words: str = ""
    age: float = 0.0


class Kie:
    """One task for each picture; ``ref`` is their ids with commas between."""

    name = "kie"
    tools = frozenset({"tryon", "edit", "imagine"})

    def __init__(self, config: Config) -> None:
        options = config.options
        self.options = options
        self.hosts = frozenset(options.get("hosts", HOSTS))
        self.poll = float(options.get("poll_seconds", POLL_SECONDS))
        self.uploads = (options.get("upload_url") or UPLOAD_URL) + "/api/file-stream-upload"
        self.door = Door(
            config.base_url or BASE_URL,
            {"Authorization": f"Bearer {config.key}"},
            connect_seconds=float(options.get("connect_seconds", CONNECT_SECONDS)),
            read_seconds=float(options.get("read_seconds", READ_SECONDS)),
        )

    def examine(self, order: Order) -> None:
        """Raises what the first model of the tool cannot do."""
        model = self._model(self._ids(order.tool)[0])
        _examine_inputs(order)
        if order.aspect not in (*model.aspects, "auto") or order.count < 1:
            raise ProviderError("size_unknown", f"{order.aspect} x {order.count}")
        if len(order.prompt) > model.words or len(order.pictures) > model.most:
            raise ProviderError(INVALID_INPUT, "too many words or pictures for the model")
        if any(len(picture) > model.megabytes * 1024 * 1024 for picture in order.pictures):
            raise ProviderError(INVALID_INPUT, f"a picture is over {model.megabytes} MB")

    def locate(self, person: bytes, zone: str) -> Fit:
        """The model finds the place by itself."""
        return Fit(None)

    def start(self, order: Order, report: Report) -> Waiting:
        self.examine(order)
        report(1, "starting")
        urls = [self._upload(picture) for picture in order.pictures]
        report(4, "painting")
        return Waiting(",".join(self._tasks(order, urls)), self.poll, PERCENT["waiting"])

    def check(self, ref: str, order: Order, report: Report) -> Done | Waiting:
        """All tasks must be done. When only the question failed, it is asked again."""
        try:
            records = [self._record(task) for task in ref.split(",")]
            _raise_failed(records)
            if all(record.state == "success" for record in records):
                report(PERCENT["success"], "finishing")
                return self._done(records)
        except ProviderError as error:
            return self._again(ref, error)
        percent = min(PERCENT.get(record.state, PERCENT["queuing"]) for record in records)
        return Waiting(ref, self._pause(records), percent)

    def balance(self) -> Decimal | None:
        """How many of kie's credits are left."""
        return as_number(json_of(self.door.ask("GET", "/api/v1/chat/credit")).get("data"))

    def _ids(self, tool: str) -> tuple[str, ...]:
        ids = self.options.get("models", {}).get(tool, PREFERRED)
        if tool not in self.tools or not ids:
            raise ProviderError("tool_unknown", tool)
        return (ids,) if isinstance(ids, str) else tuple(ids)

    def _model(self, model_id: str) -> Model:
        changes = self.options.get("fields", {}).get(model_id, {})
        try:
            return replace(MODELS.get(model_id, Model("image_urls", 8)), **changes)
        except TypeError as error:
            raise ProviderError(MISCONFIGURED, f"fields of {model_id}: {error}") from None

    def _upload(self, picture: bytes) -> str:
        """The address under which kie's models see the picture. The file is theirs for a day."""
        suffix = "png" if picture.startswith(b"\x89PNG") else "jpg"
        # A name that was used before would be overwritten, or served from a cache.
        name = f"{uuid.uuid4()}.{suffix}"
        mime = "image/png" if suffix == "png" else "image/jpeg"
        try:
            answer = self.door.ask(
                "POST", self.uploads,
                data={"uploadPath": UPLOAD_PATH, "fileName": name},
                files={"file": (name, picture, mime)},
            )  # fmt: skip
            return _address(json_of(answer))
        except ProviderError as error:
            raise _nothing_bought(error) from None

    def _tasks(self, order: Order, urls: list[str]) -> list[str]:
        """The ids of as many tasks as pictures are wanted. Half an order is a failed order."""
        tasks: list[str] = []
        for _ in range(order.count):
            try:
                tasks.append(self._task(order, urls))
            except ProviderError as error:
                error.accepted = True if tasks else error.accepted
                raise
        return tasks

    def _task(self, order: Order, urls: list[str]) -> str:
        *first, last = self._ids(order.tool)
        for model_id in first:
            try:
                return self._create(model_id, order, urls)
            except Retired:
                continue
        return self._create(last, order, urls)

    def _create(self, model_id: str, order: Order, urls: list[str]) -> str:
        body = {"model": model_id, "input": self._input(self._model(model_id), order, urls)}
        if address := self.options.get("call_back_url"):
            body["callBackUrl"] = address
        answer = json_of(self.door.order("/api/v1/jobs/createTask", json=body))
        task = as_dict(answer.get("data")).get("taskId")
        if not task or not isinstance(task, str):
            raise unknown(f"no taskId: {str(answer)[:200]}")
        return task

    def _input(self, model: Model, order: Order, urls: list[str]) -> dict[str, Any]:
        body = {"prompt": order.prompt, **model.fixed}
        if order.aspect in model.aspects:
            body["aspect_ratio"] = order.aspect
        if model.pictures:
            body[model.pictures] = urls
        return body

    def _record(self, task: str) -> Record:
        answer = self.door.ask("GET", "/api/v1/jobs/recordInfo", params={"taskId": task})
        return _record_of(as_dict(json_of(answer).get("data")))

    def _again(self, ref: str, error: ProviderError) -> Waiting:
        """The order stands whatever happens to our questions; the job's deadline ends them."""
        if error.permanent or error.accepted:
            error.accepted = True
            raise error
        return Waiting(ref, max(self.poll, error.wait or 0.0), PERCENT["waiting"])

    def _pause(self, records: list[Record]) -> float:
        """Longer the older the task is: kie wants to be asked less and less."""
        age = max(record.age for record in records)
        return max(self.poll, min(age / 10, SLOWEST_POLL_SECONDS))

    def _done(self, records: list[Record]) -> Done:
        return Done(
            pictures=tuple(self._fetch(record) for record in records),
            model=records[0].model,
            cost=self._rubles([record.credits for record in records]),
        )

    def _fetch(self, record: Record) -> bytes:
        if not record.urls:
            raise ProviderError(NO_IMAGE, "success without resultUrls", accepted=True)
        try:
            picture = fetching.download(record.urls[0], hosts=self.hosts)
        except fetching.Refused as error:
            raise _not_fetched(error) from None
        if not looks_like_a_picture(picture):
            raise ProviderError(NO_IMAGE, f"not a picture: {picture[:60]!r}", accepted=True)
        return picture

    def _rubles(self, credits: list[Decimal | None]) -> Decimal | None:
        rate = as_number(self.options.get("usd_rub"))
        if rate is None or None in credits:
            return None
        price = Decimal(str(self.options.get("credit_usd", CREDIT_USD)))
        return (sum(credits, Decimal(0)) * price * rate).quantize(Decimal("0.0001"))


class Door(Vendor):
    """kie's own codes come before the meaning of the status: a refusal may arrive with HTTP 200."""

    def refusal(self, answer: httpx2.Response) -> ProviderError | None:
        return _refusal(answer)


def task_ids(body: Any) -> list[str]:
    """The ids in a callback: kie's pages show three places for them."""
    body = as_dict(body)
    data = as_dict(body.get("data"))
    found = (data.get("taskId"), data.get("task_id"), body.get("taskId"))
    return list(dict.fromkeys(value for value in found if isinstance(value, str) and value))


def verify_callback(body: Any, headers: Mapping[str, str], secret: str, now: float) -> list[str]:
    """The task ids in a callback that ``secret`` has signed at most five minutes ago, or none.

    The signature covers the id and the time, not the result: wake up and ask, believe nothing else.
    """
    given = {name.lower(): value for name, value in headers.items()}
    stamp = given.get("x-webhook-timestamp", "")
    if not secret or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return []
    if abs(now - int(stamp)) > CALLBACK_WINDOW_SECONDS:
        return []
    signature = given.get("x-webhook-signature", "").encode()
    return [
        task
        for task in task_ids(body)
        if hmac.compare_digest(_signature(task, stamp, secret), signature)
    ]


def _signature(task: str, stamp: str, secret: str) -> bytes:
    digest = hmac.digest(secret.encode(), f"{task}.{stamp}".encode(), hashlib.sha256)
    return base64.b64encode(digest)


def _refusal(answer: httpx2.Response) -> ProviderError | None:
    """What kie says in its body, if it refuses. None: the status speaks for itself."""
    try:
        body = answer.json()
    except ValueError:
        return None
    code = as_dict(body).get("code")
    if answer.status_code in GATEWAY_TIMEOUTS or not str(code).isdecimal() or int(code) == 200:
        return None
    return _meaning(int(code), str(body.get("msg") or ""), retry_after(answer))


def _meaning(code: int, words: str, wait: float | None = None) -> ProviderError:
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


def _raise_failed(records: list[Record]) -> None:
    for record in records:
        if record.state == "fail":
            code = int(record.failure) if record.failure.isdecimal() else 501
            error = _meaning(code, record.words)
            error.accepted = True
            raise error


def _record_of(data: dict[str, Any]) -> Record:
    born = as_number(data.get("createTime"))
    return Record(
        state=str(data.get("state") or ""),
        model=str(data.get("model") or ""),
        urls=_urls(data.get("resultJson")),
        credits=as_number(data.get("creditsConsumed")),
        failure=str(data.get("failCode") or ""),
        words=str(data.get("failMsg") or ""),
        age=max(0.0, time.time() - float(born) / 1000) if born else 0.0,
    )


def _urls(result: Any) -> tuple[str, ...]:
    """The addresses out of ``resultJson``, which is JSON inside a string."""
    try:
        found = as_dict(json.loads(result) if isinstance(result, str) else result).get("resultUrls")
    except ValueError:
        return ()
    return tuple(url for url in found if isinstance(url, str)) if isinstance(found, list) else ()


def _not_fetched(error: fetching.Refused) -> ProviderError:
    """A passing fault leaves the picture where it is, so it may be fetched again."""
    detail = f"download: {error}"[:DETAIL_CHARACTERS]
    if error.passing:
        return ProviderError(TRANSIENT, detail, permanent=False)
    return ProviderError(NO_IMAGE, detail, accepted=True)


def _address(answer: dict[str, Any]) -> str:
    data = as_dict(answer.get("data"))
    url = data.get("downloadUrl") or data.get("fileUrl")
    if not url or not isinstance(url, str):
        raise ProviderError(TRANSIENT, f"no downloadUrl: {str(answer)[:200]}", permanent=False)
    return url


def _nothing_bought(error: ProviderError) -> ProviderError:
    """A failed upload is never more than that: no picture was ordered yet."""
    if error.code != OUTCOME_UNKNOWN:
        return error
    return ProviderError(TRANSIENT, error.detail, permanent=False)


def _examine_inputs(order: Order) -> None:
    if order.tool == "tryon" and len(order.pictures) < 2:
        raise ProviderError("two_photos_needed")
    if order.tool == "edit" and not order.pictures:
        raise ProviderError("photo_needed")
    if order.tool != "tryon" and not order.prompt.strip():
        raise ProviderError("words_needed")


def _any(words: tuple[str, ...], text: str) -> bool:
    return any(word in text for word in words)
