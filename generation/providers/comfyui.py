"""ComfyUI: any workflow that staff exported in API format, on a machine of our own.

Options, all of them data:
``workflows``     {tool: {"graph", "inputs": {name: [node, input]}, "outputs": [node]}}, where a
                  name is person, item, base, reference1…, mask, prompt, seed, width, height, count
``errors``        {words of a failing node: kind}, over ``KINDS``
``socket``        listen for real progress in ``check``, for ``socket_seconds``
``sizes``, ``pixels``, ``size_step``   see ``canvas.size_for``
``upload_type``   input, or temp: removed when ComfyUI starts again
``gone_seconds``  how long an order may be nowhere before it counts as lost
``poll_seconds``, ``connect_seconds``, ``read_seconds``, ``order_seconds``, ``headers``

It has no accounts: a key is for the proxy before it, ``user:password`` or a bearer token.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from generation.providers import canvas, comfyui_socket, workflow
from generation.providers.base import (
    INVALID_INPUT,
    MISCONFIGURED,
    NO_IMAGE,
    OUTCOME_UNKNOWN,
    POLICY,
    RATE_LIMITED,
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
from generation.providers.comfyui_door import Door, authorization, told
from generation.providers.foreign import as_dict
from generation.providers.local import Local
from generation.providers.vendor import CONNECT_SECONDS, READ_SECONDS, json_of, unknown

BASE_URL = "http://127.0.0.1:8188"
POLL_SECONDS = 1.5
GONE_SECONDS = 5.0
GLANCE_SECONDS = 0.5
SOCKET_SECONDS = 4.0
PICTURE_BYTES = 40 * 1024 * 1024
FOLDER = "studio"
PENDING, RUNNING = 5, 10
"""Percent while only the queue is known."""

KINDS = {
    "out of memory": TRANSIENT,
    "outofmemory": TRANSIENT,
    "allocation on device": TRANSIENT,
    "unidentifiedimageerror": INVALID_INPUT,
    "nsfw": POLICY,
}
PASSING = (TRANSIENT, RATE_LIMITED)
ENDS = ("execution_success", "execution_error", "execution_interrupted")


class ComfyUI:
    """``ref`` is the prompt id, our own: the job's code. So an order can be found again."""

    name = "comfyui"

    def __init__(self, config: Config) -> None:
        self.options = options = config.options
        self.base_url = config.base_url or BASE_URL
        self.headers = {**authorization(config.key), **options.get("headers", {})}
        self.tools = frozenset(options.get("workflows", {}))
        self.kinds = {**KINDS, **{k.lower(): v for k, v in options.get("errors", {}).items()}}
        self.poll = float(options.get("poll_seconds", POLL_SECONDS))
        self.gone = float(options.get("gone_seconds", GONE_SECONDS))
        self.door = Door(
            self.base_url,
            self.headers,
            connect_seconds=float(options.get("connect_seconds", CONNECT_SECONDS)),
            read_seconds=float(options.get("read_seconds", READ_SECONDS)),
            order_seconds=float(options.get("order_seconds", 0)),
        )

    def examine(self, order: Order) -> None:
        """Raises what the workflow of this tool cannot do."""
        flow = self._flow(order.tool)
        given = workflow.pictures(order)
        if order.tool == "tryon" and len(given) < 2:
            raise ProviderError("two_photos_needed")
        if order.tool == "edit" and not given:
            raise ProviderError("photo_needed")
        if order.tool != "tryon" and not order.prompt.strip():
            raise ProviderError("words_needed")
        if unused := [name for name in given if name not in flow.inputs]:
            raise ProviderError(INVALID_INPUT, f"the workflow takes no {unused[0]}")
        if absent := [n for n in flow.inputs if n.startswith("reference") and n not in given]:
            raise ProviderError(INVALID_INPUT, f"the workflow wants a {absent[0]}")
        if order.count > 1 and "count" not in flow.inputs:
            raise ProviderError(MISCONFIGURED, "the workflow maps no count: one picture at a time")

    def locate(self, person: bytes, zone: str) -> Fit:
        """A place is needed only where the workflow paints inside a mask."""
        return Local().locate(person, zone) if "mask" in self._flow("tryon").inputs else Fit(None)

    def start(self, order: Order, report: Report) -> Waiting:
        """Uploads, orders, and does not wait."""
        self.examine(order)
        report(1, "starting")
        graph = self._flow(order.tool).filled(self._values(order))
        report(4, "painting")
        return Waiting(self._order(order, graph), self.poll, PENDING)

    def check(self, ref: str, order: Order, report: Report) -> Done | Waiting:
        """When only the question failed it is asked again: the job's deadline ends that."""
        try:
            entry, percent = self._look(ref)
            if entry is None and self.options.get("socket"):
                percent = self._listen(ref, order, report, percent)
                entry = self._history(ref)
            if entry is not None:
                return self._finished(entry, order, report)
        except ProviderError as error:
            if isinstance(error, Ended) or error.code not in PASSING:
                raise
            return Waiting(ref, max(self.poll, error.wait or 0.0), PENDING)
        return Waiting(ref, self.poll, percent)

    def find(self, order: Order) -> str | None:
        """The ref of this order, if it was placed before. One that failed may be made anew."""
        if self._percent_in_queue(order.code) is not None:
            return order.code
        # Asked after the queue: it goes from there to the history in one step.
        entry = self._history(order.code)
        failed = entry is None or workflow.status(entry).get("status_str") == "error"
        return None if failed else order.code

    def cancel(self, ref: str) -> None:
        """Out of the queue, or stopped; never anybody else's: without an id all would be."""
        self.door.ask("POST", "/queue", json={"delete": [ref]})
        self.door.ask("POST", "/interrupt", json={"prompt_id": ref})

    def probe(self) -> Probe:
        """Whether the server answers, and every workflow can be read."""
        for tool in self.tools:
            self._flow(tool)
        if not self.tools:
            raise ProviderError(MISCONFIGURED, "no workflows")
        system = as_dict(told(self.door.ask("GET", "/system_stats")).get("system"))
        return Probe(detail=f"ComfyUI {system.get('comfyui_version', '')}".strip()[:100])

    def _flow(self, tool: str) -> workflow.Workflow:
        if tool not in self.tools:
            raise ProviderError("tool_unknown", f"no workflow for {tool}")
        return workflow.read(tool, self.options["workflows"][tool])

    def _values(self, order: Order) -> dict[str, Any]:
        """What goes into the graph. Photos become the names under which ComfyUI keeps them."""
        flow = self._flow(order.tool)
        width, height = canvas.size_for(order, self.options)
        files = workflow.pictures(order)
        if "mask" in flow.inputs:
            files["mask"] = workflow.mask(order)
        names = {name: self._upload(f"{order.code}-{name}", data) for name, data in files.items()}
        return {
            "prompt": order.prompt, "seed": order.seed, "width": width, "height": height,
            "count": order.count, **names,
        }  # fmt: skip

    def _upload(self, name: str, picture: bytes) -> str:
        """The name to load it by: ComfyUI renames where another file has ours."""
        kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
        where = str(self.options.get("upload_type", "input"))
        answer = self.door.ask(
            "POST", "/upload/image",
            data={"type": where, "subfolder": FOLDER, "overwrite": "false"},
            files={"image": (f"{name}.{kind}", picture, f"image/{kind}")},
        )  # fmt: skip
        kept = told(answer)
        if not isinstance(kept.get("name"), str):
            raise ProviderError(TRANSIENT, f"no name: {str(kept)[:200]}", permanent=False)
        path = "/".join(part for part in (str(kept.get("subfolder") or ""), kept["name"]) if part)
        return path if where == "input" else f"{path} [{where}]"

    def _order(self, order: Order, graph: workflow.Graph) -> str:
        """The prompt's id. Where nobody knows, ``check`` looks for it under ours."""
        body = {"prompt": graph, "client_id": order.code, "prompt_id": order.code}
        try:
            answer = json_of(self.door.order("/prompt", json=body))
            return self._accepted(answer, order)
        except ProviderError as error:
            if error.code == OUTCOME_UNKNOWN:
                return order.code
            raise

    def _accepted(self, answer: dict[str, Any], order: Order) -> str:
        """Part of a graph may be refused in a 200: then the rest is stopped, if we needed it."""
        if answer.get("error"):
            raise ProviderError(MISCONFIGURED, workflow.complaint(answer))
        ref = answer.get("prompt_id")
        if not isinstance(ref, str) or not ref:
            raise unknown(f"no prompt_id: {str(answer)[:200]}")
        if workflow.refused_nodes(answer) & set(self._flow(order.tool).outputs):
            with suppress(ProviderError):
                self.cancel(ref)
            raise ProviderError(MISCONFIGURED, workflow.complaint(answer))
        return ref

    def _look(self, ref: str) -> tuple[dict[str, Any] | None, int]:
        """Its end, or how far it is. Nowhere for a while: ComfyUI began anew without it."""
        gone_since = None
        while True:
            if (percent := self._percent_in_queue(ref)) is not None:
                return None, percent
            if (entry := self._history(ref)) is not None:  # after the queue, see ``find``
                return entry, 90
            gone_since = gone_since or time.monotonic()
            if time.monotonic() - gone_since >= self.gone:
                raise Ended(TRANSIENT, "lost: in neither queue nor history", permanent=False)
            time.sleep(min(GLANCE_SECONDS, self.gone))

    def _percent_in_queue(self, ref: str) -> int | None:
        queue = told(self.door.ask("GET", "/queue"))
        for key, percent in (("queue_running", RUNNING), ("queue_pending", PENDING)):
            rows = queue.get(key)
            if any(row[1:2] == [ref] for row in rows or () if isinstance(row, list)):
                return percent
        return None

    def _history(self, ref: str) -> dict[str, Any] | None:
        entry = told(self.door.ask("GET", f"/history/{ref}")).get(ref)
        return entry if isinstance(entry, dict) else None

    def _listen(self, ref: str, order: Order, report: Report, percent: int) -> int:
        """Real progress for a few seconds. ComfyUI gives the events of a client id to one socket,
        so every order has its own; of others' we still hear, hence the look at the id."""
        flow = self._flow(order.tool)
        seconds = float(self.options.get("socket_seconds", SOCKET_SECONDS))
        address = f"{self.base_url.rstrip('/').replace('http', 'ws', 1)}/ws?clientId={ref}"
        for event, data in comfyui_socket.events(address, self.headers, seconds=seconds):
            if data.get("prompt_id") != ref:
                continue
            if event in ENDS:
                break
            if event == "progress_state" and isinstance(data.get("nodes"), dict):
                percent = max(PENDING, flow.percent(data["nodes"]))
                report(percent, "painting")
        return percent

    def _finished(self, entry: dict[str, Any], order: Order, report: Report) -> Done:
        if detail := workflow.failure(workflow.status(entry).get("messages")):
            found = (kind for said, kind in self.kinds.items() if said in detail.lower())
            code = next(found, TRANSIENT)
            raise Ended(code, detail, permanent=code != TRANSIENT, accepted=True)
        flow = self._flow(order.tool)
        files = workflow.files(entry.get("outputs"), flow.outputs)[: order.count]
        if len(files) < order.count:
            raise Ended(NO_IMAGE, f"{len(files)} of {order.count} pictures", accepted=True)
        report(92, "finishing")
        model = str(self.options["workflows"][order.tool].get("model") or self.name)
        return Done(tuple(self._fetch(file) for file in files), model, cost=None)

    def _fetch(self, file: dict[str, str]) -> bytes:
        try:
            data = self.door.ask("GET", "/view", params=file).content
        except ProviderError as error:
            if error.code in PASSING:
                raise
            raise Ended(NO_IMAGE, f"/view: {error.detail}", accepted=True) from None
        if len(data) > PICTURE_BYTES:
            raise Ended(NO_IMAGE, f"a picture of {len(data)} bytes", accepted=True)
        return canvas.picture(data)


class Ended(ProviderError):
    """The order itself ended so, and not merely a question about it."""
