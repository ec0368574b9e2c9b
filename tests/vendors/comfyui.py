"""ComfyUI as its traces show it: uploads that are renamed, prompts, queue, history, socket."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.pictures import picture_file
from tests.vendors.stub import Answer, Request, Stub, require

RESULTS = [picture_file(colour, kind="PNG") for colour in ("coral", "navy", "olive", "pink")]
SAVING = ("SaveImage", "PreviewImage")
# A sampler's worth of nodes; the types of their numbers are checked as ComfyUI does.
NODES = {
    "LoadImage": {"image": str}, "LoadImageMask": {"image": str, "channel": str},
    "CLIPTextEncode": {"text": str}, "EmptyLatentImage": {"width": int, "height": int},
    "KSampler": {"seed": int, "steps": int}, "VAEEncode": {}, "VAEDecode": {}, "SaveImage": {},
    "PreviewImage": {}, "CheckpointLoaderSimple": {"ckpt_name": str},
}  # fmt: skip


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


# Small workflows of the three tools, as staff would export and map them.
END = {
    "6": node("CLIPTextEncode", text="", clip=["4", 1]),
    "8": node("VAEDecode", samples=["3", 0]),
    "9": node("SaveImage", images=["8", 0], filename_prefix="studio"),
    "4": node("CheckpointLoaderSimple", ckpt_name="model.safetensors"),
}
PAINT = END | {
    "3": node("KSampler", seed=1, steps=20, latent_image=["5", 0], positive=["6", 0]),
    "5": node("EmptyLatentImage", width=512, height=512, batch_size=1),
}
CHANGE = END | {
    "3": node("KSampler", seed=1, steps=20, latent_image=["5", 0], positive=["6", 0]),
    "5": node("VAEEncode", pixels=["10", 0]),
    "10": node("LoadImage", image="absent.png"),
}
WEAR = CHANGE | {
    "11": node("LoadImage", image="absent.png"),
    "12": node("PreviewImage", images=["11", 0]),
}
WORDS = {"prompt": ["6", "text"], "seed": ["3", "seed"]}
SIZE = {"width": ["5", "width"], "height": ["5", "height"], "count": ["5", "batch_size"]}
FLOWS = {
    "imagine": {"graph": PAINT, "inputs": WORDS | SIZE, "model": "sd15"},
    "edit": {"graph": json.dumps(CHANGE), "inputs": WORDS | {"base": ["10", "image"]}},
    "tryon": {
        "graph": WEAR,
        "inputs": WORDS | {"person": [["10", "image"]], "item": ["11", "image"]},
    },
}


@dataclass
class Prompt:
    id: str
    graph: dict[str, Any]
    client_id: str
    course: list[str] = field(default_factory=list)
    state: str = "pending"

    def of(self, kind: str) -> dict[str, Any]:
        """The inputs of the only node of a kind."""
        (node,) = [n for n in self.graph.values() if n["class_type"] == kind]
        return node["inputs"]


class ComfyUIStub(Stub):
    """``course`` is what a prompt goes through, one step at each question; the last one stays.

    pending, running, done, error, interrupted, cached (done without pictures), gone.
    """

    def __init__(self) -> None:
        super().__init__()
        # Head and body go in two writes: without this each answer waits 40 ms for an ACK.
        self._server.RequestHandlerClass.disable_nagle_algorithm = True
        self.files: dict[str, bytes] = {}
        self.prompts: dict[str, Prompt] = {}
        self.course = ["done"]
        self.results = list(RESULTS)
        self.error: dict[str, Any] = {"exception_type": "Exception", "exception_message": "broke"}
        self.node_errors: dict[str, Any] = {}
        self.events: list[tuple[str, dict[str, Any]] | bytes] = []
        self.password = ""

    @property
    def sent(self) -> list[tuple[str, tuple[bytes, ...]]]:
        """The words and the pictures of each prompt, in the order of its nodes."""
        return [
            (prompt.of("CLIPTextEncode")["text"], tuple(self._pictures(prompt)))
            for prompt in self.prompts.values()
        ]

    def answer(self, request: Request) -> Answer:
        basic = base64.b64encode(self.password.encode()).decode()
        if self.password and request.headers.get("authorization") != f"Basic {basic}":
            return Answer(401, b"who are you")
        if request.path.startswith("/history/"):
            return Answer(200, self._history(request.path.removeprefix("/history/")))
        routes = {
            ("POST", "/upload/image"): self._upload, ("POST", "/prompt"): self._prompt,
            ("GET", "/queue"): self._queue, ("POST", "/queue"): self._delete,
            ("POST", "/interrupt"): self._interrupt, ("GET", "/view"): self._view,
            ("GET", "/ws"): self._socket,
        }  # fmt: skip
        require((request.method, request.path) in routes, "no such address")
        return routes[request.method, request.path](request)

    def malformed(self, why: str) -> Answer:
        return Answer(400, b"")

    def loaded(self, kind: str = "LoadImage") -> list[bytes]:
        """The pictures that the only prompt loads, in the order of its nodes."""
        (prompt,) = self.prompts.values()
        return self._pictures(prompt, kind)

    def _pictures(self, prompt: Prompt, kind: str = "LoadImage") -> list[bytes]:
        nodes = [n for n in prompt.graph.values() if n["class_type"] == kind]
        return [self.files[n["inputs"]["image"]] for n in nodes]

    def _upload(self, request: Request) -> Answer:
        form = request.form
        require(form.get("type") in (b"input", b"temp"), "type")
        require(form["overwrite"] in (b"false", b"true"), "overwrite")
        require(b".." not in form["subfolder"], "outside")
        name = request.body.partition(b'filename="')[2].partition(b'"')[0].decode()
        folder, stem = form["subfolder"].decode(), name.rpartition(".")
        mark = "" if form["type"] == b"input" else " [temp]"
        number = 0
        while self.files.get(f"{folder}/{name}{mark}", form["image"]) != form["image"]:
            number += 1
            name = f"{stem[0]} ({number}).{stem[2]}"
        self.files[f"{folder}/{name}{mark}"] = form["image"]
        return Answer(200, {"name": name, "subfolder": folder, "type": form["type"].decode()})

    def _prompt(self, request: Request) -> Answer:
        body = request.json
        require(str(uuid.UUID(body["prompt_id"])) == body["prompt_id"], "invalid_prompt_id")
        require(isinstance(body["client_id"], str), "client_id")
        graph = body["prompt"]
        for node_id, node in graph.items():
            if node["class_type"] not in NODES:
                return refusal("invalid_prompt", f"node {node['class_type']} does not exist.")
            if errors := self._errors(graph, node):
                told = {"errors": [errors], "class_type": node["class_type"]}
                return refusal(
                    "prompt_outputs_failed_validation", "Prompt outputs failed validation",
                    {node_id: told | {"dependent_outputs": ["9"]}},
                )  # fmt: skip
        require(any(n["class_type"] in SAVING for n in graph.values()), "prompt_no_outputs")
        self.prompts[body["prompt_id"]] = Prompt(
            body["prompt_id"], graph, body["client_id"], list(self.course)
        )
        number = len(self.prompts)
        told = {"prompt_id": body["prompt_id"], "number": number, "node_errors": self.node_errors}
        return Answer(200, told)

    def _errors(self, graph: dict[str, Any], node: dict[str, Any]) -> dict[str, Any] | None:
        for name, value in node["inputs"].items():
            kind = NODES[node["class_type"]].get(name)
            if isinstance(value, list):
                require(value[0] in graph, "a link into nothing")
            elif kind and not isinstance(value, kind):
                return {"type": "invalid_input_type", "message": "Failed", "details": name}
            elif name == "image" and value not in self.files:
                return {"type": "custom_validation_failed", "details": f"Invalid file: {value}"}
            elif name == "ckpt_name" and value != "model.safetensors":
                return {"type": "value_not_in_list", "details": f"ckpt_name: '{value}' not in []"}
        return None

    def _queue(self, request: Request) -> Answer:
        for prompt in self.prompts.values():
            prompt.state = prompt.course.pop(0) if prompt.course else prompt.state
        foreign = [1, str(uuid.uuid4()), {}, {}, ["9"]]
        rows = {
            state: [[2, p.id, p.graph, {"client_id": p.client_id}, ["9"]]
                    for p in self.prompts.values() if p.state == state]
            for state in ("running", "pending")
        }  # fmt: skip
        return Answer(
            200, {"queue_running": [foreign, *rows["running"]], "queue_pending": rows["pending"]}
        )

    def _history(self, prompt_id: str) -> dict[str, Any]:
        prompt = self.prompts.get(prompt_id)
        if prompt is None or prompt.state in ("pending", "running", "gone"):
            return {}
        good = prompt.state in ("done", "cached")
        messages: list[Any] = [["execution_start", {"prompt_id": prompt_id}]]
        if prompt.state == "error":
            told = {"node_id": "3", "node_type": "KSampler", "traceback": ["SECRET at line 1"]}
            messages.append(["execution_error", told | {"current_inputs": "SECRET"} | self.error])
        if prompt.state == "interrupted":
            messages.append(["execution_interrupted", {"node_id": "3", "node_type": "KSampler"}])
        status = {"status_str": "success" if good else "error", "completed": good}
        return {
            prompt_id: {
                "prompt": [2, prompt_id, prompt.graph, {}, ["9"]], "meta": {},
                "outputs": self._outputs(prompt) if prompt.state == "done" else {},
                "status": status | {"messages": messages},
            }
        }  # fmt: skip

    def _outputs(self, prompt: Prompt) -> dict[str, Any]:
        """Saving nodes give files; a preview gives one of its own, which is not the result."""
        outputs = {}
        for node_id, node in prompt.graph.items():
            if node["class_type"] == "SaveImage":
                files = [f"out_{n}.png" for n in range(len(self.results))]
                outputs[node_id] = {"images": [file_at(name, "output") for name in files]}
            if node["class_type"] == "PreviewImage":
                outputs[node_id] = {"images": [file_at("preview.png", "temp")]}
        return outputs

    def _view(self, request: Request) -> Answer:
        require(request.query["type"] in ("output", "temp"), "type")
        require(request.query.get("subfolder") == "studio", "subfolder")
        number = request.query["filename"].removeprefix("out_").removesuffix(".png")
        if not number.isdigit() or int(number) >= len(self.results):
            return Answer(404, b"")
        return Answer(200, self.results[int(number)], {"Content-Type": "image/png"})

    def _delete(self, request: Request) -> Answer:
        for prompt_id in request.json["delete"]:
            if prompt_id in self.prompts and self.prompts[prompt_id].state == "pending":
                del self.prompts[prompt_id]
        return Answer(200, b"")

    def _interrupt(self, request: Request) -> Answer:
        require(request.json.get("prompt_id"), "stops whoever runs")
        prompt = self.prompts.get(request.json["prompt_id"])
        if prompt and prompt.state == "running":
            prompt.state, prompt.course = "interrupted", []
        return Answer(200, b"")

    def _socket(self, request: Request) -> Answer:
        """The handshake with all frames behind it: they are read as they come anyway."""
        clients = {prompt.client_id for prompt in self.prompts.values()}
        require(request.query["clientId"] in clients, "a socket that hears nothing")
        key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        body = b"".join(frame(event) for event in self.events)
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}
        return Answer(101, body, headers)


def refusal(kind: str, message: str, node_errors: dict[str, Any] | None = None) -> Answer:
    error = {"type": kind, "message": message, "details": "", "extra_info": {}}
    return Answer(400, {"error": error, "node_errors": node_errors or {}})


def file_at(name: str, kind: str) -> dict[str, str]:
    return {"filename": name, "subfolder": "studio", "type": kind}


def frame(event: tuple[str, dict[str, Any]] | bytes) -> bytes:
    """A server's frame: text for an event, binary for a preview, the close frame for b""."""
    if event == b"":
        return b"\x88\x02\x03\xe8"
    told = event if isinstance(event, bytes) else json.dumps(
        {"type": event[0], "data": event[1]}
    ).encode()  # fmt: skip
    first = b"\x82" if isinstance(event, bytes) else b"\x81"
    size = bytes([len(told)]) if len(told) < 126 else b"\x7e" + struct.pack(">H", len(told))
    return first + size + told
