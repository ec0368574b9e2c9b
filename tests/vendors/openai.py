"""OpenAI's Images API, and its self-hosted kin: each knows its own fields and refuses others."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

from tests.pictures import picture_file
from tests.vendors.stub import Answer, Request, Stub, require

KEY = "sk-test"
GENERATIONS = "/v1/images/generations"
EDITS = "/v1/images/edits"
MODELS = "/v1/models"
RESULTS = [picture_file(colour, kind="PNG") for colour in ("coral", "navy", "olive", "pink")]
USAGE = {
    "total_tokens": 4500, "input_tokens": 320, "output_tokens": 4180,
    "input_tokens_details": {"text_tokens": 20, "image_tokens": 300},
}  # fmt: skip

COMMON = {"model", "prompt", "n", "size", "output_format", "output_compression"}
OWN = {"quality", "background", "moderation", "stream", "partial_images", "user"}
DIFFUSION = {"num_inference_steps", "guidance_scale", "seed", "negative_prompt", "response_format"}
TAG = re.compile(r"<sd_cpp_extra_args>(.*?)</sd_cpp_extra_args>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Kind:
    """What one server takes. ``pictures`` is the name of the files' field; empty: no edits."""

    fields: frozenset[str]
    served: tuple[str, ...]
    pictures: str = "image[]"
    step: int = 16
    models_path: str = MODELS


KINDS = {
    "openai": Kind(frozenset(COMMON | OWN), ("gpt-image-2", "gpt-image-2.5-flare")),
    "litellm": Kind(frozenset(COMMON | OWN), ("pictures",)),
    "vllm-omni": Kind(frozenset(COMMON | DIFFUSION), ("Qwen/Qwen-Image",), "image"),
    "sglang": Kind(
        frozenset(COMMON | DIFFUSION), ("Qwen/Qwen-Image",), "image", models_path="/models"
    ),
    "sd.cpp": Kind(frozenset(COMMON), ("sd-cpp-local",), step=64),
    "localai": Kind(
        frozenset(COMMON | {"response_format", "mode", "step"}), ("dreamshaper",), "", step=64
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Bought:
    """An order that was taken, with the pictures that came with it."""

    fields: dict[str, Any]
    pictures: tuple[bytes, ...] = ()
    extra: dict[str, Any] | None = None  # what sd.cpp read out of the prompt


class OpenAIStub(Stub):
    """``by_url`` answers with addresses; ``fewer`` leaves pictures out of each answer.

    ``results`` are the pictures that it makes, one after another; none: there is never one.
    """

    def __init__(self, kind: str = "openai") -> None:
        super().__init__()
        self.kind = KINDS[kind]
        self.name = kind
        self.served = list(self.kind.served)
        self.bought: list[Bought] = []
        self.by_url = False
        self.fewer = 0
        self.made = 0
        self.results = list(RESULTS)
        self.headers: dict[str, str] = {}

    @property
    def sent(self) -> list[tuple[str, tuple[bytes, ...]]]:
        """The words and the pictures of each order."""
        return [(order.fields["prompt"], order.pictures) for order in self.bought]

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/files/"):
            return Answer(200, self.results[int(request.path[7:-4])], {"Content-Type": "image/png"})
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return refused(401, "Incorrect API key provided", "invalid_api_key")
        if (request.method, request.path) == ("GET", self.kind.models_path):
            return self._models()
        if request.method == "POST" and request.path == GENERATIONS:
            require(request.headers["content-type"] == "application/json", "not JSON")
            return self._make(Bought(request.json))
        if request.method == "POST" and request.path == EDITS and self.kind.pictures:
            return self._make(self._uploaded(request))
        return Answer(404, {"error": {"message": "no such address", "code": None}})

    def malformed(self, why: str) -> Answer:
        return refused(400, why, "unknown_parameter", param="size")

    def _models(self) -> Answer:
        if self.name == "sglang":
            return Answer(200, {"model_path": self.served[0], "task_type": "T2I", "num_gpus": 1})
        rows = [{"id": name, "object": "model", "owned_by": "system"} for name in self.served]
        return Answer(200, {"object": "list", "data": rows})

    def _uploaded(self, request: Request) -> Bought:
        fields, pictures = {}, []
        for name, filename, kind, value in parts_of(request):
            if filename is None:
                require(name not in fields, f"{name} twice")
                fields[name] = int(value) if name in ("n", "seed") else value.decode()
            else:
                require(name == self.kind.pictures, f"the files' field is {name}")
                suffix, magic = {
                    "image/jpeg": ("jpg", b"\xff\xd8"),
                    "image/png": ("png", b"\x89P"),
                }[kind]
                require(filename.endswith(suffix) and value.startswith(magic), f"not a {kind}")
                pictures.append(value)
        require(1 <= len(pictures) <= 16, "between 1 and 16 pictures")
        return Bought(fields, tuple(pictures))

    def _make(self, order: Bought) -> Answer:
        fields = order.fields
        known = self.kind.fields | ({"input_fidelity"} if order.pictures else set())
        require(fields.keys() <= known, f"unknown: {fields.keys() - known}")
        if fields.get("model", self.served[0] if self.served else "") not in self.served:
            words = f"The model '{fields['model']}' does not exist or you do not have access"
            return refused(404, words, "model_not_found")
        self._check(fields)
        self.bought.append(Bought(fields, order.pictures, self._extra(fields)))
        return Answer(200, self._result(fields["n"]), self.headers)

    def _check(self, fields: dict[str, Any]) -> None:
        require(self.name not in ("openai", "litellm", "localai") or "model" in fields, "no model")
        require(isinstance(fields.get("prompt"), str) and fields["prompt"].strip(), "prompt")
        require(self.name != "localai" or "|" not in fields["prompt"], "a negative prompt")
        require(isinstance(fields["n"], int) and 1 <= fields["n"] <= 10, "n")
        require(fields.get("response_format", "b64_json") in ("b64_json", "url"), "response_format")
        require(isinstance(fields.get("seed", 0), int), "seed")
        if (size := fields.get("size", "auto")) != "auto":
            across, down = (int(side) for side in size.split("x"))
            whole = across % self.kind.step == 0 and down % self.kind.step == 0
            require(whole and 1 / 3 <= across / down <= 3, f"size {size}")

    def _extra(self, fields: dict[str, Any]) -> dict[str, Any] | None:
        """sd.cpp merges all tags that it finds, whoever wrote them."""
        if self.name != "sd.cpp":
            return None
        merged: dict[str, Any] = {}
        for text in TAG.findall(fields["prompt"]):
            merged |= json.loads(text)
        return merged

    def _result(self, number: int) -> dict[str, Any]:
        number = max(1, number - self.fewer) if self.results else 0
        picked = [(self.made + index) % len(self.results) for index in range(number)]
        self.made += number
        if self.by_url:
            rows = [{"url": f"{self.url}/files/{index}.png"} for index in picked]
        else:
            rows = [{"b64_json": base64.b64encode(self.results[at]).decode()} for at in picked]
        usage = {"usage": USAGE} if self.name in ("openai", "litellm") else {}
        return {"created": 1790000000, "data": rows, **usage}


def refused(status: int, words: str, code: str | None, **more: Any) -> Answer:
    error = {"message": words, "type": "invalid_request_error", "param": None, "code": code}
    headers = more.pop("headers", {})
    return Answer(status, {"error": error | more}, headers)


def parts_of(request: Request) -> list[tuple[str, str | None, str, bytes]]:
    """Name, file name (None: a plain field), content type and bytes, repeated names kept."""
    kind, _, boundary = request.headers["content-type"].partition("; boundary=")
    require(kind == "multipart/form-data" and boundary, "not multipart")
    found = []
    for part in request.body.split(b"--" + boundary.encode())[1:-1]:
        head, _, value = part[2:-2].partition(b"\r\n\r\n")
        head = head.decode()
        name, filename = re.search(r' name="([^"]*)"', head), re.search(r'filename="([^"]*)"', head)
        kind = re.search(r"Content-Type: (\S+)", head)
        found.append((name[1], filename and filename[1], kind[1] if kind else "text/plain", value))
    return found
