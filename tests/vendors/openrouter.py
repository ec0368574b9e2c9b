"""OpenRouter as its contract describes it: pictures by /images and by chat with modalities."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.pictures import picture_file
from tests.vendors.stub import Answer, Request, Stub, require

KEY = "sk-or-v1-test"
CHAT = "/api/v1/chat/completions"
IMAGES = "/api/v1/images"
RESULTS = [picture_file(colour) for colour in ("coral", "navy", "olive", "pink")]
ASPECTS = {"1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"}
# Fields of a request, and those that only one of the two ways knows.
COMMON = {"model", "provider", "user", "seed", "session_id", "stream"}
ONLY_CHAT = {"messages", "modalities", "image_config", "temperature", "usage", "metadata"}
ONLY_IMAGES = {
    "prompt", "aspect_ratio", "resolution", "size", "n", "quality", "background",
    "output_format", "output_compression", "input_references",
}  # fmt: skip


class OpenRouterStub(Stub):
    """``pictures`` holds what each order carried, ``words`` what it said.

    ``linked`` answers with addresses, not data.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[list[bytes]] = []
        self.words: list[str] = []
        self.results = list(RESULTS)
        self.linked = False
        self.cost: Any = 0.04
        self.chat_models = {"google/gemini-3-pro-image", "black-forest-labs/flux.2-pro"}
        self.image_models = {"openai/gpt-image-2"}

    @property
    def sent(self) -> list[tuple[str, tuple[bytes, ...]]]:
        """The words and the pictures of each order."""
        return list(zip(self.words, map(tuple, self.pictures), strict=True))

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/p/"):
            return Answer(200, self._made(int(request.path[3:-4])), {"Content-Type": "image/png"})
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return wrong(401, "No auth credentials found")
        routes = {
            ("POST", CHAT): self._chat, ("POST", IMAGES): self._images,
            ("GET", "/api/v1/key"): self._key, ("GET", "/api/v1/models"): self._models,
            ("GET", "/api/v1/images/models"): self._models,
        }  # fmt: skip
        require((request.method, request.path) in routes, "no such address")
        return routes[request.method, request.path](request)

    def malformed(self, why: str) -> Answer:
        return wrong(400, why)

    def _chat(self, request: Request) -> Answer:
        body = request.json
        if body.get("model") not in self.chat_models:
            return wrong(400, f"{body.get('model')} is not a valid model ID")
        require(body.keys() <= COMMON | ONLY_CHAT, f"unknown fields {body.keys()}")
        require("image" in body.get("modalities", []), "no picture is asked for")
        require(set(body["modalities"]) <= {"image", "text"}, "modalities")
        shape = body.get("image_config", {})
        require(shape.keys() <= {"aspect_ratio", "image_size"}, "image_config")
        require(shape.get("aspect_ratio", "1:1") in ASPECTS, "aspect_ratio")
        (message,) = body["messages"]
        text, *images = message["content"]
        require(text["type"] == "text" and text["text"], "the words go first")
        number = self._taken(text["text"], [_bytes_of(image) for image in images])
        urls = [self._url(number)] if self.results else []
        return Answer(200, chat(body["model"], urls, self.cost))

    def _images(self, request: Request) -> Answer:
        body = request.json
        if body.get("model") not in self.image_models:
            return wrong(404, f"model not found: {body.get('model')}")
        require(body.keys() <= COMMON | ONLY_IMAGES, f"unknown fields {body.keys()}")
        require(isinstance(body.get("prompt"), str) and body["prompt"], "prompt")
        require(body.get("aspect_ratio", "auto") in ASPECTS | {"auto"}, "aspect_ratio")
        require(1 <= body.get("n", 1) <= 10, "n")
        references = body.get("input_references", [])
        self._taken(body["prompt"], [_bytes_of(image) for image in references])
        rows = [self._row(number) for number in range(body.get("n", 1))]
        return Answer(200, {"created": 1, "data": rows, "usage": {"cost": self.cost}})

    def _taken(self, words: str, pictures: list[bytes]) -> int:
        self.words.append(words)
        self.pictures.append(pictures)
        return len(self.pictures) - 1

    def _url(self, number: int) -> str:
        return f"{self.url}/p/{number}.png" if self.linked else data_uri(self._made(number))

    def _made(self, number: int) -> bytes:
        return self.results[number % len(self.results)]

    def _row(self, number: int) -> dict[str, str]:
        if self.linked:
            return {"url": self._url(number)}
        encoded = base64.b64encode(self._made(number)).decode()
        return {"b64_json": encoded, "media_type": "image/png"}

    def _key(self, request: Request) -> Answer:
        return Answer(200, {"data": {"label": KEY[:8], "usage": 1.5, "limit_remaining": 20}})

    def _models(self, request: Request) -> Answer:
        if request.path == "/api/v1/models":
            require(request.query == {"output_modalities": "image"}, "all models were asked for")
        ids = self.image_models if "/images/" in request.path else self.chat_models
        return Answer(200, {"data": [{"id": id_, "name": id_.title()} for id_ in sorted(ids)]})


def chat(model: str, urls: list[str], cost: Any = 0.04, **changes: Any) -> dict[str, Any]:
    """A finished chat with pictures. ``changes`` go over its only choice."""
    images = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    message = {"role": "assistant", "content": "Here you go", "images": images}
    choice = {"index": 0, "finish_reason": "stop", "message": message} | changes
    usage = {"prompt_tokens": 1300, "completion_tokens": 1210, "cost": cost}
    return {"id": "gen-1", "object": "chat.completion", "model": model,
            "choices": [choice], "usage": usage}  # fmt: skip


def wrong(code: int, words: str, status: int | None = None, **metadata: Any) -> Answer:
    """OpenRouter's error. ``status`` 200: it happened after the work had begun."""
    error = {"code": code, "message": words, "metadata": metadata}
    return Answer(code if status is None else status, {"error": error})


def data_uri(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _bytes_of(part: dict[str, Any]) -> bytes:
    require(part.get("type") == "image_url", f"not a picture: {json.dumps(part)[:80]}")
    head, _, text = part["image_url"]["url"].partition(",")
    data = base64.b64decode(text, validate=True)
    right = {b"\xff\xd8": "data:image/jpeg;base64", b"\x89P": "data:image/png;base64"}
    require(right.get(data[:2]) == head, f"the label {head} does not fit")
    return data
