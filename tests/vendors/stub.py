"""A vendor over real HTTP that checks what it is sent and misbehaves when it is told to.

``with Stub() as vendor`` listens on 127.0.0.1. ``vendor.script(path, ...)`` queues what the next
requests to a path meet instead of a good answer.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, bytes]:
        """The parts of a multipart body by their names."""
        boundary = self.headers["content-type"].partition("boundary=")[2].encode()
        parts = (part[2:-2] for part in self.body.split(b"--" + boundary)[1:-1])
        return {_part_name(head): value for head, _, value in (_split(part) for part in parts)}


@dataclass(frozen=True)
class Answer:
    """What is sent back. A dict or list goes as JSON."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    @property
    def kind(self) -> str:
        return "application/octet-stream" if isinstance(self.body, bytes) else "application/json"


HANG = "hang"
"""Take the request and never answer."""
RESET = "reset"
"""Take the request and cut the line."""
HTML = Answer(200, b"<!doctype html><title>Just a moment</title>", {"Content-Type": "text/html"})
"""What a proxy in between puts in place of the answer."""

Behaviour = Answer | str


class Malformed(Exception):
    """The request is not what the vendor's contract says."""


class Stub:
    """``asked`` holds every request, ``mistakes`` what was wrong with them: nothing, one hopes."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.mistakes: list[str] = []
        self.closing = threading.Event()
        self._scripts: dict[str, deque[Behaviour]] = defaultdict(deque)
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def script(self, path: str, *behaviours: Behaviour) -> None:
        self._scripts[path].extend(behaviours)

    def requests_to(self, path: str) -> list[Request]:
        return [request for request in self.asked if request.path == path]

    def react(self, request: Request) -> Behaviour:
        """The scripted behaviour, or else a good answer to a good request."""
        self.asked.append(request)
        if waiting := self._scripts[request.path]:
            return waiting.popleft()
        try:
            return self.answer(request)
        except Malformed as error:
            self.mistakes.append(f"{request.method} {request.path}: {error}")
            return self.malformed(str(error))

    def answer(self, request: Request) -> Answer:
        """What the vendor answers when all is well. Raises Malformed."""
        raise NotImplementedError

    def malformed(self, why: str) -> Answer:
        """How the vendor answers a bad request."""
        raise NotImplementedError


def require(condition: object, why: str) -> None:
    if not condition:
        raise Malformed(why)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *request: Any) -> None:
        """Who asked may be gone before the answer is: that is no fault of the stub's."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(*request)


def _handler(stub: Stub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._act(stub.react(Request(self.command, parts.path, query, headers, body)))

        do_POST = do_GET

        def _act(self, behaviour: Behaviour) -> None:
            if isinstance(behaviour, Answer):
                return self._send(behaviour)
            self.close_connection = True
            if behaviour == HANG:
                stub.closing.wait(20)
            if behaviour == RESET:
                _reset(self.connection)

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in {"Content-Type": answer.kind, **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.encoded)))
            self.end_headers()
            self.wfile.write(answer.encoded)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    return Handler


def _reset(connection: socket.socket) -> None:
    """With no time to linger, closing sends RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)
    connection.close()


def _split(part: bytes) -> tuple[str, bytes, bytes]:
    head, blank, value = part.partition(b"\r\n\r\n")
    return head.decode(), blank, value


def _part_name(head: str) -> str:
    return head.partition('name="')[2].partition('"')[0]
