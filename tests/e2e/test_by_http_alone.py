"""The README's story with nothing but HTTP: a guest, two photos, a live job, the picture."""

from __future__ import annotations

import io
import json
import time
import urllib.error
import urllib.request
import uuid
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops
from websockets.sync.client import connect

from tests.e2e.conftest import Studio
from tests.e2e.walking import PHOTOS

JOB_SECONDS = 60


class Visitor:
    """A browser's cookies and nothing else of it."""

    def __init__(self, address: str) -> None:
        self.address, self.cookies = address, CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.get("/sign-in/")
        self.post("/demo/", b"", "application/x-www-form-urlencoded")

    def cookie(self, name: str) -> str:
        return next(cookie.value or "" for cookie in self.cookies if cookie.name == name)

    def get(self, path: str) -> bytes:
        with self.opener.open(self.address + path, timeout=30) as answer:
            return answer.read()

    def post(self, path: str, data: bytes, kind: str) -> bytes:
        headers = {"X-CSRFToken": self.cookie("csrftoken"), "Content-Type": kind}
        request = urllib.request.Request(self.address + path, data, headers)
        with self.opener.open(request, timeout=30) as answer:
            return answer.read()

    def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        return json.loads(self.post("/api/v1/jobs/", json.dumps(body).encode(), "application/json"))

    def send(self, photo: Path) -> str:
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        body = head.encode() + photo.read_bytes() + f"\r\n--{edge}--\r\n".encode()
        kind = f"multipart/form-data; boundary={edge}"
        return json.loads(self.post("/api/v1/photos/", body, kind))["code"]

    def wait(self, code: str) -> dict[str, Any]:
        deadline = time.monotonic() + JOB_SECONDS
        while True:
            job = json.loads(self.get(f"/api/v1/jobs/{code}/"))
            if job["state"] in ("done", "failed", "cancelled"):
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.2)


@pytest.fixture
def visitor(studio: Studio) -> Visitor:
    return Visitor(studio.address)


def test_two_photos_in_a_live_job_a_picture_out(visitor: Visitor) -> None:
    me, shirt = (visitor.send(PHOTOS / name) for name in ("astronaut.png", "shirt.png"))
    fit = json.loads(visitor.get(f"/api/v1/photos/{me}/fit/?zone=body"))
    job = visitor.ask({"tool": "tryon", "person": me, "item": shirt, "zone": "body"})
    seen = watch(visitor, job["code"])
    assert seen[0]["state"] in ("queued", "running")
    assert seen[-1]["state"] == "done"
    percents = [message["percent"] for message in seen]
    assert percents == sorted(percents)
    assert any(0 < percent < 100 for percent in percents)
    done = visitor.wait(job["code"])
    assert seen[-1]["results"][0]["code"] == done["results"][0]["code"]
    before = picture(visitor, json.loads(visitor.get(f"/api/v1/photos/{me}/"))["url"])
    after = picture(visitor, done["results"][0]["url"])
    assert_changed_inside_alone(before, after, fit["box"])
    balance = json.loads(visitor.get("/api/v1/me/"))["balance"]
    assert balance == {"plan": 0, "credit": 3, "free": 10}


def watch(visitor: Visitor, code: str) -> list[dict[str, Any]]:
    """All that the socket says until the job has ended."""
    address = visitor.address.replace("http", "ws") + f"/ws/jobs/{code}/"
    headers = {"Cookie": f"sessionid={visitor.cookie('sessionid')}"}
    seen = []
    with connect(address, origin=visitor.address, additional_headers=headers) as socket:
        while not seen or seen[-1]["state"] not in ("done", "failed"):
            seen.append(json.loads(socket.recv(timeout=JOB_SECONDS)))
    return seen


def picture(visitor: Visitor, url: str) -> Image.Image:
    return Image.open(io.BytesIO(visitor.get(url))).convert("RGB")


def assert_changed_inside_alone(before: Image.Image, after: Image.Image, box: list[float]) -> None:
    """Nothing outside the zone has moved, not by one level; inside it most has."""
    width, height = before.size
    left, top, wide, high = (box[0] * width, box[1] * height, box[2] * width, box[3] * height)
    change = ImageChops.difference(before, after)
    where = change.getbbox()
    assert where is not None
    assert where[0] >= left - 2
    assert where[1] >= top - 2
    assert where[2] <= left + wide + 2
    assert where[3] <= top + high + 2
    inside = change.crop(where).convert("L").histogram()
    assert sum(inside[16:]) > sum(inside) * 0.25


def test_what_is_not_understood_costs_nothing(visitor: Visitor) -> None:
    me = visitor.send(PHOTOS / "grace_hopper.jpg")
    with pytest.raises(urllib.error.HTTPError) as caught:
        visitor.ask({"tool": "edit", "base": me, "prompt": "teach it to sing opera"})
    said = json.loads(caught.value.read())["error"]
    assert (caught.value.code, said["code"]) == (422, "not_understood")
    assert json.loads(visitor.get("/api/v1/me/"))["balance"]["credit"] == 5


def test_an_edit_and_an_imagined_picture(visitor: Visitor) -> None:
    me = visitor.send(PHOTOS / "grace_hopper.jpg")
    edit = visitor.ask({"tool": "edit", "base": me, "prompt": "сделай чёрно-белым и светлее"})
    words = {"tool": "imagine", "prompt": "a lake at sunset", "aspect": "16:9", "seed": 4}
    imagined, again = visitor.ask(words), visitor.ask(words)
    assert visitor.wait(edit["code"])["state"] == "done"
    one, two = (visitor.wait(job["code"])["results"][0] for job in (imagined, again))
    assert (one["width"], one["height"]) == (1024, 576)
    assert visitor.get(one["url"]) == visitor.get(two["url"])
