"""An endpoint for chat completions: answers with the JSON that was asked for, or as it is told."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

from PIL import Image

from tests.vendors.stub import Answer, Request, Stub, require

KEY = "sk-chat-test-0123456789"
PREFIX = "/v1"
PATH = "/v1/chat/completions"
MODEL = "anthropic/claude-haiku-4.5"
GOOD = {
    "sentence": "Вот три варианта!",
    "short": "Make the coat red",
    "balanced": "Make the coat red, keep the face and the background",
    "detailed": "Make the coat a deep red wool, keep the face, the pose and the background",
}
COMMON = {"model", "messages", "max_tokens", "response_format", "provider", "seed"}


class ChatStub(Stub):
    """``reply`` is what it says next, as an object or a text; ``pictures`` what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[bytes] = []
        self.reply: Any = GOOD
        self.models = [MODEL, "other/model"]

    @property
    def talks(self) -> list[list[dict[str, Any]]]:
        """The messages of each request."""
        return [request.json["messages"] for request in self.requests_to(PATH)]

    def says(self, *texts: Any) -> None:
        """What the next requests are answered with."""
        self.script(PATH, *(Answer(200, completion(text)) for text in texts))

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return wrong(401, "No auth credentials found")
        if (request.method, request.path) == ("GET", f"{PREFIX}/models"):
            return Answer(200, {"data": [{"id": id_} for id_ in self.models]})
        require((request.method, request.path) == ("POST", PATH), "no such address")
        self._check(request.json)
        return Answer(200, completion(self.reply))

    def malformed(self, why: str) -> Answer:
        return wrong(400, why)

    def _check(self, body: dict[str, Any]) -> None:
        require(body.keys() <= COMMON, f"unknown fields {body.keys()}")
        require(body.get("model") in self.models, "model")
        schema = body["response_format"]["json_schema"]
        require(schema["strict"] and schema["schema"]["additionalProperties"] is False, "schema")
        require(set(schema["schema"]["required"]) == set(GOOD), "all of it is required")
        first, *said = body["messages"]
        require(first["role"] == "system" and first["content"], "the system speaks first")
        require(said and said[-1]["role"] == "user", "a person speaks last")
        require(all(m["content"] for m in said), "nobody is silent")
        parts = [part for m in said if isinstance(m["content"], list) for part in m["content"]]
        self.pictures += [_bytes_of(part) for part in parts if part["type"] == "image_url"]


def completion(reply: Any, **changes: Any) -> dict[str, Any]:
    """A finished chat. ``changes`` go over its only choice; ``usage`` over what it cost."""
    text = reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)
    usage = changes.pop("usage", {"prompt_tokens": 1500, "completion_tokens": 200, "cost": 0.001})
    message = {"role": "assistant", "content": text} | changes.pop("message", {})
    choice = {"index": 0, "finish_reason": "stop", "message": message} | changes
    return {"id": "gen-1", "object": "chat.completion", "model": MODEL,
            "choices": [choice], "usage": usage}  # fmt: skip


def wrong(code: int, words: str, status: int | None = None, **metadata: Any) -> Answer:
    """An error. ``status`` 200: it happened after the work had begun."""
    error = {"code": code, "message": words, "metadata": metadata}
    return Answer(code if status is None else status, {"error": error})


def _bytes_of(part: dict[str, Any]) -> bytes:
    head, _, text = part["image_url"]["url"].partition(",")
    data = base64.b64decode(text, validate=True)
    require(head == "data:image/jpeg;base64" and data[:2] == b"\xff\xd8", "not a JPEG")
    require(max(Image.open(io.BytesIO(data)).size) <= 1024, "the picture is too large")
    return data
