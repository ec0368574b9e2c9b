"""kie.ai: the Nano Banana family. A task is ordered, then asked after until it ends.

Options, all of them data:
``models``        per tool the model ids by preference: the next where one is no longer served
``fields``        {model id: {field of ``Model``: value}}, over the table in ``models``
``hosts``         from where results may be fetched       ``upload_url``  where photos are sent
``credit_usd``    price of one of kie's credits           ``usd_rub``     without it: cost unknown
``poll_seconds``, ``connect_seconds``, ``read_seconds``, ``order_seconds``   time limits

Where an order has an address for it, kie calls when a task has ended; we ask all the same.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
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
from generation.providers.foreign import as_dict, as_number, looks_like_a_picture
from generation.providers.kie.callbacks import task_ids, verify_callback
from generation.providers.kie.models import MODELS, PREFERRED, Model
from generation.providers.kie.records import Record, raise_failed, record_of
from generation.providers.kie.refusals import Retired, refusal
from generation.providers.vendor import (
    CONNECT_SECONDS,
    DETAIL_CHARACTERS,
    READ_SECONDS,
    Vendor,
    json_of,
    unknown,
)

BASE_URL = "https://api.kie.ai"
UPLOAD_URL = "https://kieai.redpandaai.co"
HOSTS = (".aiquickdraw.com", "tempfile.redpandaai.co")
UPLOAD_PATH = "studio"
CREDIT_USD = Decimal("0.005")
POLL_SECONDS = 3.0
SLOWEST_POLL_SECONDS = 15.0
PERCENT = {"waiting": 5, "queuing": 10, "generating": 40, "success": 90}


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
            order_seconds=float(options.get("order_seconds", 0)),
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
            raise_failed(records)
            if all(record.state == "success" for record in records):
                report(PERCENT["success"], "finishing")
                return self._done(records)
        except ProviderError as error:
            return self._again(ref, error)
        percent = min(PERCENT.get(record.state, PERCENT["queuing"]) for record in records)
        return Waiting(ref, self._pause(records), percent)

    def callback(self, ref: str, body: Any, headers: Mapping[str, str], *, secret: str) -> bool:
        """Whether a call is about the order. With a ``secret``, PermissionError if it is forged."""
        named = task_ids(body)
        believed = verify_callback(body, headers, secret, time.time()) if secret else named
        if named and not believed:
            raise PermissionError
        return not set(believed).isdisjoint(ref.split(","))

    def balance(self) -> Decimal | None:
        """How many of kie's credits are left."""
        return as_number(json_of(self.door.ask("GET", "/api/v1/chat/credit")).get("data"))

    def probe(self) -> Probe:
        """kie lists no models, so its credits are all that can be asked for."""
        left = self.balance()
        if left is not None and not left:
            raise ProviderError(NO_CREDITS, "no credits are left")
        return Probe("" if left is None else f"{left} credits", balance=left)

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
        if order.callback_url:
            body["callBackUrl"] = order.callback_url
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
        return record_of(as_dict(json_of(answer).get("data")))

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
        return refusal(answer)


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
