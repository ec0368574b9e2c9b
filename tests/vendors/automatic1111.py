"""AUTOMATIC1111's API: two synchronous calls, a bar that everybody shares, a stop button."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

from tests.pictures import picture_file
from tests.vendors.stub import Answer, Request, Stub, require

TXT, IMG = "/sdapi/v1/txt2img", "/sdapi/v1/img2img"
PROGRESS, INTERRUPT = "/sdapi/v1/progress", "/sdapi/v1/interrupt"
RESULTS = [picture_file(colour, kind="PNG") for colour in ("coral", "navy", "olive", "pink")]
NUMBERS = ("seed", "width", "height", "batch_size", "n_iter")


class Automatic1111Stub(Stub):
    """``busy`` holds an order back until it is set; ``progress`` is what the bar says meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.password = ""
        self.orders: list[dict[str, Any]] = []
        self.results = list(RESULTS)
        self.free = threading.Event()
        self.free.set()
        self.progress: dict[str, Any] = {"progress": 0.0, "eta_relative": 0.0, "state": {}}

    @property
    def sent(self) -> list[tuple[str, tuple[bytes, ...]]]:
        """The words and the picture of each order."""
        return [
            (order["prompt"], tuple(map(base64.b64decode, order.get("init_images", ()))))
            for order in self.orders
        ]

    def answer(self, request: Request) -> Answer:
        basic = base64.b64encode(self.password.encode()).decode()
        if self.password and request.headers.get("authorization") != f"Basic {basic}":
            return Answer(401, {"detail": "Incorrect username or password"})
        if request.path == PROGRESS:
            return Answer(200, self.progress)
        if request.path == INTERRUPT:
            self.free.set()
            return Answer(200, {})
        require(request.path in (TXT, IMG), "no such address")
        return self._paint(request.path, request.json)

    def malformed(self, why: str) -> Answer:
        return Answer(422, {"detail": [{"msg": why}]})

    def init(self) -> bytes:
        """The picture that the only order begins with."""
        (order,) = self.orders
        (picture,) = order["init_images"]
        return base64.b64decode(picture)

    def mask(self) -> bytes:
        return base64.b64decode(self.orders[0]["mask"])

    def _paint(self, path: str, order: dict[str, Any]) -> Answer:
        require(isinstance(order["prompt"], str), "prompt")
        require(all(type(order[name]) is int for name in NUMBERS), "a number")
        require(order["width"] % 8 == order["height"] % 8 == 0, "sizes are multiples of 8")
        require((path == IMG) == bool(order.get("init_images")), "init_images")
        if order.get("sampler_name", "Euler") != "Euler":
            return Answer(404, {"detail": "Sampler not found"})
        self.orders.append(order)
        self.free.wait(5)
        made = order["n_iter"] * order["batch_size"]
        images = [base64.b64encode(result).decode() for result in self.results[:made]]
        info = json.dumps({"seed": order["seed"], "sd_model_name": "dreamer-8"})
        return Answer(200, {"images": images, "parameters": {}, "info": info})
