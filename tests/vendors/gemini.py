"""Google's Gemini API: takes snake_case and camelCase, answers in camelCase, thinks in sketches."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

from tests.pictures import picture_file
from tests.vendors.stub import Answer, Request, Stub, require

KEY = "AIza-test"
MODEL = "gemini-nano-banana-2.1"
CALL = f"/v1beta/models/{MODEL}:generateContent"
LIST = "/v1beta/models"
SERVED = (MODEL, "gemini-3-pro-image")
RESULTS = [picture_file(colour, kind="PNG") for colour in ("coral", "navy", "olive", "pink")]
SKETCH = picture_file("gray", kind="PNG")
USAGE = {
    "promptTokenCount": 560, "candidatesTokenCount": 1290, "thoughtsTokenCount": 150,
    "totalTokenCount": 2000,
}  # fmt: skip

ASPECTS = {"1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"}
FIELDS = {"contents", "generationConfig", "safetySettings", "systemInstruction"}
GENERATION = {"responseModalities", "imageConfig", "temperature", "seed", "topP", "candidateCount"}
IMAGE = {"aspectRatio", "imageSize", "personGeneration"}
PERSONS = {"ALLOW_ALL", "ALLOW_ADULT", "ALLOW_NONE"}
MAGIC = {"image/jpeg": b"\xff\xd8", "image/png": b"\x89P"}
METHOD = re.compile(r"/v1beta/models/([a-z0-9.-]+):generateContent")


@dataclass(frozen=True)
class Bought:
    model: str
    prompt: str
    pictures: tuple[bytes, ...]
    generation: dict[str, Any]
    safety: list[dict[str, str]]


class GeminiStub(Stub):
    """Each answer has a thought with a sketch before the picture.

    ``results`` are the pictures that it makes, one after another; none: there are words only.
    """

    def __init__(self) -> None:
        super().__init__()
        self.served = list(SERVED)
        self.bought: list[Bought] = []
        self.results = list(RESULTS)

    @property
    def sent(self) -> list[tuple[str, tuple[bytes, ...]]]:
        """The words and the pictures of each order."""
        return [(order.prompt, order.pictures) for order in self.bought]

    def answer(self, request: Request) -> Answer:
        require("key" not in request.query, "the key is in the address")
        if request.headers.get("x-goog-api-key") != KEY:
            return invalid_key()
        if (request.method, request.path) == ("GET", LIST):
            return self._list(request)
        called = METHOD.fullmatch(request.path)
        require(called and request.method == "POST", f"no such method: {request.path}")
        if called[1] not in self.served:
            return refused(
                404, "NOT_FOUND", f"models/{called[1]} is not found for API version v1beta"
            )
        self.bought.append(self._checked(called[1], request.json))
        if not self.results:
            return Answer(200, answered([{"text": "I would rather not."}], model=called[1]))
        picture = self.results[(len(self.bought) - 1) % len(self.results)]
        return Answer(200, made(picture, called[1]))

    def malformed(self, why: str) -> Answer:
        return refused(400, "INVALID_ARGUMENT", why)

    def _list(self, request: Request) -> Answer:
        """Two pages, whatever size was asked for."""
        if "pageToken" not in request.query:
            return Answer(200, {"models": [_row("gemini-3-flash")], "nextPageToken": "two"})
        require(request.query["pageToken"] == "two", "pageToken")
        return Answer(200, {"models": [_row(name) for name in self.served]})

    def _checked(self, model: str, body: dict[str, Any]) -> Bought:
        require(body.keys() <= FIELDS, f"unknown: {body.keys() - FIELDS}")
        (content,) = body["contents"]
        require(content.get("role") == "user", "role")
        words = [part["text"] for part in content["parts"] if "text" in part]
        require(len(words) == 1 and words[0].strip(), "one part of words")
        pictures = [_picture(part) for part in content["parts"] if "text" not in part]
        generation = body["generationConfig"]
        self._check(generation)
        return Bought(model, words[0], tuple(pictures), generation, body.get("safetySettings", []))

    def _check(self, generation: dict[str, Any]) -> None:
        require(generation.keys() <= GENERATION, f"unknown: {generation.keys() - GENERATION}")
        require("IMAGE" in generation["responseModalities"], "responseModalities")
        image = generation.get("imageConfig", {})
        require(image.keys() <= IMAGE, f"unknown: {image.keys() - IMAGE}")
        require(image.get("aspectRatio", "1:1") in ASPECTS, "aspectRatio")
        require(image.get("imageSize", "1K") in {"1K", "2K", "4K"}, "imageSize")
        require(image.get("personGeneration", "ALLOW_ALL") in PERSONS, "personGeneration")


def made(picture: bytes, model: str = MODEL) -> dict[str, Any]:
    parts = [
        {"text": "First I sketch it.", "thought": True},
        {**inline(SKETCH), "thought": True},
        {"text": "Here it is."},
        {**inline(picture), "thoughtSignature": "c2ln"},
    ]
    return answered(parts, model=model)


def answered(parts: list[Any], reason: str = "STOP", model: str = MODEL) -> dict[str, Any]:
    content = {"role": "model", "parts": parts}
    candidate = {"index": 0, "finishReason": reason, "content": content}
    return {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": model}


def inline(picture: bytes) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(picture).decode()}}


def refused(http: int, status: str, words: str, *details: dict[str, Any]) -> Answer:
    error = {"code": http, "message": words, "status": status, "details": list(details)}
    return Answer(http, {"error": error})


def invalid_key() -> Answer:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    return refused(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid key.", info)


def retry_in(delay: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def _row(name: str) -> dict[str, Any]:
    return {"name": f"models/{name}", "supportedGenerationMethods": ["generateContent"]}


def _picture(part: dict[str, Any]) -> bytes:
    given = part.get("inline_data") or part.get("inlineData") or {}
    mime = given.get("mime_type") or given.get("mimeType")
    require(mime in MAGIC, f"mime type {mime}")
    data = base64.b64decode(given["data"], validate=True)
    require(data.startswith(MAGIC[mime]), f"not a {mime}")
    return data
