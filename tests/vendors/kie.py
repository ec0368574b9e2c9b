"""kie.ai as its contract describes it: uploads, tasks, records with JSON inside strings."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

from tests.pictures import picture_file
from tests.vendors.stub import Answer, Request, Stub, require

KEY = "kie-test-key"
CREATE = "/api/v1/jobs/createTask"
RECORD = "/api/v1/jobs/recordInfo"
UPLOAD = "/api/file-stream-upload"
RESULTS = [picture_file(colour) for colour in ("coral", "navy", "olive", "pink")]

COMMON = {"1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto"}
# What each model takes: the field of the pictures, how many, letters, and the other fields.
MODELS: dict[str, tuple[str, int, int, dict[str, set[str]]]] = {
    "google/nano-banana": ("", 0, 5000, {"output_format": {"png", "jpeg"}}),
    "google/nano-banana-edit": ("image_urls", 10, 5000, {"output_format": {"png", "jpeg"}}),
    "nano-banana-pro": (
        "image_input", 8, 10000,
        {"resolution": {"1K", "2K", "4K"}, "output_format": {"png", "jpg"}},
    ),
    "nano-banana-2": (
        "image_input", 14, 20000,
        {"resolution": {"1K", "2K", "4K"}, "output_format": {"png", "jpg"}},
    ),
    "nano-banana-2-lite": ("image_urls", 10, 5000, {}),
}  # fmt: skip


@dataclass
class Task:
    id: str
    model: str
    input: dict[str, Any]
    pictures: list[bytes]
    asked: int = 0
    changes: dict[str, Any] = field(default_factory=dict)
    born: float = field(default_factory=time.time)


class KieStub(Stub):
    """``states`` is what a task goes through, one at each question; the last one stays.

    ``changes`` (of a task, or of all) overrides fields of the record; ``served`` says which models
    there are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.names: list[str] = []
        self.tasks: dict[str, Task] = {}
        self.states = ["success"]
        self.changes: dict[str, Any] = {}
        self.served = set(MODELS)
        self.results = list(RESULTS)
        self.credits = 3
        self._numbers = itertools.count(1)

    @property
    def sent(self) -> list[tuple[str, tuple[bytes, ...]]]:
        """The words and the pictures of each order."""
        return [(task.input["prompt"], tuple(task.pictures)) for task in self.tasks.values()]

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/p/"):
            picture = self.results[int(request.path[3:-4]) % len(self.results)]
            return Answer(200, picture, {"Content-Type": "image/png"})
        if request.headers.get("user-agent", "python-").startswith("python-"):
            return Answer(403, b"error code: 1010")
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return said(401, "You do not have access permissions")
        routes = {
            ("POST", UPLOAD): self._upload, ("POST", CREATE): self._create,
            ("GET", RECORD): self._record, ("GET", "/api/v1/chat/credit"): self._credit,
        }  # fmt: skip
        require((request.method, request.path) in routes, "no such address")
        return routes[request.method, request.path](request)

    def malformed(self, why: str) -> Answer:
        return said(400, why)

    def _upload(self, request: Request) -> Answer:
        form = request.form
        require({"file", "uploadPath", "fileName"} <= form.keys(), "a part is missing")
        path, name = form["uploadPath"].decode(), form["fileName"].decode()
        require(path and path.strip("/") == path, "uploadPath has slashes at its ends")
        require(name not in self.names, "the name was used before")
        self.names.append(name)
        url = f"https://tempfile.redpandaai.co/{path}/{name}"
        self.files[url] = form["file"]
        data = {"fileName": name, "downloadUrl": url, "fileSize": len(form["file"])}
        return Answer(200, {"success": True, "code": 200, "msg": "ok", "data": data})

    def _create(self, request: Request) -> Answer:
        body = request.json
        require(body.keys() <= {"model", "input", "callBackUrl"}, f"unknown field: {body.keys()}")
        model, given = body.get("model"), body.get("input")
        if model not in self.served:
            return said(422, f"The model name {model} is not supported")
        pictures = self._checked(model, given)
        task = Task(f"task_{model}_{next(self._numbers)}", model, given, pictures)
        self.tasks[task.id] = task
        return said(200, "success", {"taskId": task.id})

    def _checked(self, model: str, given: dict[str, Any]) -> list[bytes]:
        name, most, letters, others = MODELS[model]
        names = {"prompt", "aspect_ratio", *others} | ({name} if name else set())
        require(given.keys() <= names, f"{model} does not know {given.keys() - names}")
        prompt = given.get("prompt")
        require(isinstance(prompt, str) and 0 < len(prompt) <= letters, "prompt")
        require(given.get("aspect_ratio", "auto") in COMMON, "aspect_ratio")
        for field_name, values in others.items():
            require(given.get(field_name, min(values)) in values, field_name)
        urls = given.get(name, []) if name else []
        require(isinstance(urls, list) and len(urls) <= most, "too many pictures")
        require(all(url in self.files for url in urls), "a picture that was not uploaded")
        return [self.files[url] for url in urls]

    def _record(self, request: Request) -> Answer:
        task = self.tasks.get(request.query.get("taskId", ""))
        if task is None:
            return said(422, "recordInfo is null")
        state = self.states[min(task.asked, len(self.states) - 1)]
        task.asked += 1
        return said(200, "success", self._fields(task, state) | task.changes | self.changes)

    def _fields(self, task: Task, state: str) -> dict[str, Any]:
        number = list(self.tasks).index(task.id)
        result = {"resultUrls": [f"{self.url}/p/{number}.png"] if self.results else []}
        done = state == "success"
        return {
            "taskId": task.id, "model": task.model, "state": state,
            "param": json.dumps({"model": task.model, "input": task.input}),
            "resultJson": json.dumps(result) if done else "", "failCode": "", "failMsg": "",
            "costTime": 61000, "createTime": int(task.born * 1000),
            **({"creditsConsumed": self.credits} if done else {}),
        }  # fmt: skip

    def _credit(self, request: Request) -> Answer:
        return said(200, "success", 100)


def said(code: int, words: str, data: Any = None, status: int = 200) -> Answer:
    """kie's envelope. Its refusals come with HTTP 200 unless ``status`` says otherwise."""
    return Answer(status, {"code": code, "msg": words, "data": data})
