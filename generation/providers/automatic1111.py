"""AUTOMATIC1111 and Forge, started with ``--api``: one request lasts until the picture is there.

Options, all of them data:
``models``        {tool: checkpoint}, else whichever is loaded
``fields``        {tool: {field of the API: value}}: steps, sampler_name, denoising_strength…
``prompts``       {tool: words in place of the order's}; a try-on is told by ``TRYON_WORDS``
``sizes``, ``pixels``, ``size_step``   see ``canvas.size_for``
``poll_seconds``  between two looks at the progress     ``connect_seconds``, ``read_seconds``

These models take one picture, so a try-on is drafted by the built-in provider and painted over.
A key is ``user:password``, as after ``--api-auth``.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Pending
from contextlib import suppress
from typing import Any

import httpx2

from generation.providers import canvas
from generation.providers.base import (
    INVALID_INPUT,
    MISCONFIGURED,
    NO_IMAGE,
    TRANSIENT,
    Config,
    Done,
    Fit,
    Order,
    Probe,
    ProviderError,
    Report,
)
from generation.providers.foreign import as_dicts
from generation.providers.local import Local
from generation.providers.vendor import CONNECT_SECONDS, Vendor, detail_of, failure, json_of

BASE_URL = "http://127.0.0.1:7860"
POLL_SECONDS = 1.0
READ_SECONDS = 600.0
MOST = 4
PIXELS = 768 * 768
TRYON_WORDS = "photo of a person, natural light, realistic folds and shadows, sharp focus"
FIELDS: dict[str, dict[str, Any]] = {
    "tryon": {"denoising_strength": 0.35, "inpaint_full_res": True, "mask_blur": 8},
    "edit": {"denoising_strength": 0.6},
}
# What a 500 says in its ``error`` or ``detail``; anything else is passing.
REASONS = {
    "unidentifiedimage": INVALID_INPUT,
    "invalid encoded image": INVALID_INPUT,
    "filenotfound": MISCONFIGURED,
}


class Automatic1111:
    """It keeps no results: an answer that got lost is lost, and the outcome unknown."""

    name = "automatic1111"
    tools = frozenset({"tryon", "edit", "imagine"})

    def __init__(self, config: Config) -> None:
        self.options = options = {"pixels": PIXELS, **config.options}
        self.poll = float(options.get("poll_seconds", POLL_SECONDS))
        address, connect = config.base_url or BASE_URL, options.get("connect_seconds")
        headers, connect = _authorization(config.key), float(connect or CONNECT_SECONDS)
        read = float(options.get("read_seconds", READ_SECONDS))
        self.door = Door(address, headers, connect_seconds=connect, read_seconds=read)
        self.glance = Vendor(address, headers, connect_seconds=connect, read_seconds=connect)

    def examine(self, order: Order) -> None:
        if order.tool not in self.tools:
            raise ProviderError("tool_unknown", order.tool)
        if order.tool == "tryon":
            return Local().examine(order)
        if not order.prompt.strip():
            raise ProviderError("words_needed")
        if order.tool == "edit" and not order.pictures:
            raise ProviderError("photo_needed")
        if len(order.pictures) > (order.tool == "edit"):
            raise ProviderError(INVALID_INPUT, "the model takes one picture")
        if not 1 <= order.count <= MOST:
            raise ProviderError("size_unknown", f"{order.count} pictures")
        return None

    def locate(self, person: bytes, zone: str) -> Fit:
        return Local().locate(person, zone)

    def start(self, order: Order, report: Report) -> Done:
        self.examine(order)
        report(1, "starting")
        if order.tool == "tryon":
            report(2, "fitting")
            order = canvas.drafted(order)
        path = "/sdapi/v1/img2img" if order.pictures else "/sdapi/v1/txt2img"
        answer = self._watched(path, self._body(order), report)
        report(92, "finishing")
        return Done(_pictures(answer, order.count), self._model(order.tool, answer), None)

    def check(self, ref: str, order: Order, report: Report) -> Done:
        """Never asked: ``start`` returns the pictures themselves."""
        raise ProviderError("nothing_waits", f"{self.name} has no job {ref!r}")

    def probe(self) -> Probe:
        """Which checkpoints it has. It finds them by a part of their title, and so do we."""
        answer = self.glance.ask("GET", "/sdapi/v1/sd-models")
        titles = [str(row.get("title")) for row in _rows(answer)]
        wanted = frozenset(map(str, self.options.get("models", {}).values()))
        return Probe(missing=frozenset(w for w in wanted if not any(w in t for t in titles)))

    def _body(self, order: Order) -> dict[str, Any]:
        width, height = canvas.size_for(order, self.options)
        words = {"tryon": TRYON_WORDS, **self.options.get("prompts", {})}
        body = {
            "prompt": words.get(order.tool, order.prompt), "seed": order.seed,
            "width": width, "height": height, "batch_size": 1, "n_iter": order.count,
            "send_images": True, "save_images": False, "force_task_id": order.code,
        }  # fmt: skip
        if order.pictures:
            body["init_images"] = [_base64(order.pictures[0])]
        if order.box:
            body["mask"] = _base64(canvas.png(canvas.mask_for(order)))
        if model := self.options.get("models", {}).get(order.tool):
            body["override_settings"] = {"sd_model_checkpoint": model}
        own = self.options.get("fields", {}).get(order.tool, {})
        return body | FIELDS.get(order.tool, {}) | own

    def _watched(self, path: str, body: dict[str, Any], report: Report) -> dict[str, Any]:
        """Orders in a thread and reports meanwhile. If the job is not ours any more, it stops."""
        future: Future[dict[str, Any]] = Future()
        threading.Thread(target=self._send, args=(future, path, body), daemon=True).start()
        task = body["force_task_id"]
        while True:
            with suppress(Pending):
                return future.result(timeout=self.poll)
            percent, ours = self._progress(task)
            try:
                report(percent, "painting")
            except Exception:
                if ours:
                    self._interrupt()
                raise

    def _send(self, future: Future[dict[str, Any]], path: str, body: dict[str, Any]) -> None:
        try:
            future.set_result(json_of(self.door.order(path, json=body)))
        except Exception as error:
            future.set_exception(error)

    def _progress(self, task: str) -> tuple[int, bool]:
        """Percent, and whether it is surely our task: the queue is everybody's, its bar too."""
        try:
            answer = self.glance.ask(
                "GET", "/sdapi/v1/progress", params={"skip_current_image": "true"}
            )
            told = json_of(answer)
        except ProviderError:
            return 5, False
        fraction, running = told.get("progress"), told.get("current_task")
        if running not in (None, task) or not isinstance(fraction, (int, float)):
            return 5, False
        return 5 + round(85 * max(0.0, min(1.0, fraction))), running == task

    def _interrupt(self) -> None:
        with suppress(ProviderError):
            self.glance.ask("POST", "/sdapi/v1/interrupt")

    def _model(self, tool: str, answer: Mapping[str, Any]) -> str:
        with suppress(TypeError, ValueError, AttributeError):
            if name := json.loads(answer["info"]).get("sd_model_name"):
                return str(name)[:100]
        return str(self.options.get("models", {}).get(tool) or self.name)


class Door(Vendor):
    """Forge and A1111 say in words what their statuses do not."""

    def refusal(self, answer: httpx2.Response) -> ProviderError | None:
        if answer.status_code == 422:
            # Our own request was built from staff's fields, so these are what is wrong.
            return ProviderError(MISCONFIGURED, failure(422, detail_of(answer)).detail)
        return _broken(answer) if answer.status_code == 500 else None


def _broken(answer: httpx2.Response) -> ProviderError:
    error = failure(500, detail_of(answer))
    text = error.detail.lower()
    error.code = next((kind for said, kind in REASONS.items() if said in text), TRANSIENT)
    error.permanent = error.code != TRANSIENT
    return error


def _rows(answer: httpx2.Response) -> list[dict[str, Any]]:
    try:
        return as_dicts(answer.json())
    except ValueError:
        raise ProviderError(TRANSIENT, "not JSON", permanent=False) from None


def _pictures(answer: Mapping[str, Any], count: int) -> tuple[bytes, ...]:
    """The first ``count``; extensions add their own pictures behind ours."""
    images = answer.get("images")
    given = [i for i in images or () if isinstance(i, str)] if isinstance(images, list) else []
    if len(given) < count:
        raise ProviderError(NO_IMAGE, f"{len(given)} of {count} pictures", accepted=True)
    return tuple(canvas.picture(_decoded(image)) for image in given[:count])


def _decoded(image: str) -> bytes:
    try:
        return base64.b64decode(image.rpartition(",")[2], validate=True)
    except binascii.Error:
        raise ProviderError(NO_IMAGE, f"not base64: {image[:60]!r}", accepted=True) from None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _authorization(key: str) -> dict[str, str]:
    return {"Authorization": f"Basic {_base64(key.encode())}"} if key else {}
