"""People who ask over HTTP and insist: the same Idempotency-Key until an answer comes."""

from __future__ import annotations

import http.client
import io
import json
import random
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from typing import Any

from PIL import Image
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

INSIST_SECONDS = 60
SHARE_CANCELLED = 0.08


class Person:
    """One API key. Remembers every job that it was promised."""

    def __init__(self, web: int, key: str, seed: str) -> None:
        self.address, self.key = f"http://127.0.0.1:{web}/api/v1", key
        self.random = random.Random(seed)
        self.answers: Counter[int | str] = Counter()
        self.promised: list[tuple[str, str]] = []
        self.asked: list[str] = []
        self.slowest = 0.0
        self.photo: str | None = None

    def ask(self) -> None:
        """One job, or the truth that it could not be had within a minute."""
        key = str(uuid.UUID(int=self.random.getrandbits(128)))
        self.asked.append(key)
        job = self.insist("/jobs/", self._wish(), {"Idempotency-Key": key})
        self.promised.append((key, job["code"]))
        if self.random.random() < SHARE_CANCELLED:
            time.sleep(self.random.uniform(0, 1))
            self.insist(f"/jobs/{job['code']}/cancel/", {})

    def _wish(self) -> dict[str, Any]:
        if self.random.random() < 0.3:
            self.photo = self.photo or self.send_photo()
            return {"tool": "edit", "base": self.photo, "prompt": "brighter"}
        return {"tool": "imagine", "prompt": "a sea", "count": self.random.randint(1, 2)}

    def send_photo(self) -> str:
        out = io.BytesIO()
        Image.new("RGB", (320, 400), self.random.choice(["teal", "plum", "navy"])).save(out, "JPEG")
        head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        body = head + out.getvalue() + b"\r\n--edge--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=edge"}
        return self.insist("/photos/", body, kind)["code"]

    def insist(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        end = time.monotonic() + INSIST_SECONDS
        while time.monotonic() < end:
            try:
                return self._post(path, body, headers or {})
            except (OSError, http.client.HTTPException):
                self.answers["no answer"] += 1
                time.sleep(0.2)
        raise AssertionError(f"no answer from {path} for {INSIST_SECONDS} s")

    def _post(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.address + path, data, headers)
        begun = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                status, said = answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            status, said = error.code, {"refused": error.code, "text": error.read()[:500]}
            error.close()
        self.slowest = max(self.slowest, time.monotonic() - begun)
        self.answers[status] += 1
        return said


class Watcher(threading.Thread):
    """`/ws/me/`, joined again whenever it breaks. Keeps the newest version seen of each job."""

    def __init__(self, port: int, key: str) -> None:
        super().__init__(daemon=True)
        self.url = f"ws://127.0.0.1:{port}/ws/me/"
        self.headers = {"Authorization": f"Bearer {key}"}
        self.seen: dict[str, dict[str, Any]] = {}
        self.joined = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self._listen()
            except (OSError, WebSocketException):
                self.over.wait(0.3)

    def _listen(self) -> None:
        with connect(self.url, additional_headers=self.headers, open_timeout=5) as ws:
            self.joined += 1
            while not self.over.is_set():
                try:
                    self._note(json.loads(ws.recv(timeout=1)))
                except TimeoutError:
                    continue

    def _note(self, job: dict[str, Any]) -> None:
        known = self.seen.get(job["code"])
        if known is None or job["version"] >= known["version"]:
            self.seen[job["code"]] = job

    def sees_the_end_of(self, code: str, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.seen.get(code, {}).get("state") in ("done", "failed", "cancelled"):
                return True
            time.sleep(0.02)
        return False
