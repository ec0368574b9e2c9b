"""What a bot asks of Telegram: the parameters of any kind of body, and the word for no."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.vendors.stub import Request

PREFIXES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict",
    413: "Request Entity Too Large", 429: "Too Many Requests", 500: "Internal Server Error",
}  # fmt: skip
NAME = re.compile(r'[; ]name="([^"]*)"')
FILE_NAME = re.compile(r'filename="([^"]*)"')


class Refusal(Exception):
    """Telegram says no. ``parameters`` tell a bot what to do about it."""

    def __init__(self, why: str, code: int = 400, **parameters: int) -> None:
        prefix = PREFIXES[code]
        super().__init__(f"{prefix}: {why}" if why else prefix)
        self.code = code
        self.parameters = parameters


def need(condition: object, why: str) -> None:
    if not condition:
        raise Refusal(why)


@dataclass(frozen=True)
class Upload:
    name: str
    content: bytes


class Params:
    """Strings from a form and values from JSON read alike, as they do at Telegram's."""

    def __init__(self, values: dict[str, Any], files: dict[str, Upload] | None = None) -> None:
        self.values = values
        self.files = files or {}

    def __contains__(self, name: str) -> bool:
        return bool(self.text(name))

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if value is None or isinstance(value, str):
            return value or ""
        return json.dumps(value)

    def required(self, name: str) -> str:
        need(name in self, f'parameter "{name}" is required')
        return self.text(name)

    def number(self, name: str, default: int = 0) -> int:
        """What is no number counts as nothing, as it does there."""
        text = self.text(name)
        return int(text) if re.fullmatch(r"-?[0-9]+", text) else default

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("true", "yes", "1")

    def data(self, name: str) -> Any:
        """A value that forms carry as JSON in a string."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise Refusal(f"can't parse {name.replace('_', ' ')} JSON object") from None


def read(request: Request) -> Params:
    """The parameters of a request, from its address and from its body."""
    kind = request.headers.get("content-type", "")
    try:
        if kind.startswith("multipart/form-data"):
            return _from_parts(request)
        return Params({**request.query, **_from_body(kind, request.body)})
    except UnicodeDecodeError:
        raise Refusal("strings must be encoded in UTF-8") from None


def _from_body(kind: str, body: bytes) -> dict[str, Any]:
    if not kind.startswith("application/json"):
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    try:
        values = json.loads(body or b"{}")
    except ValueError:
        raise Refusal("can't parse JSON object") from None
    need(isinstance(values, dict), "object expected")
    return values


def _from_parts(request: Request) -> Params:
    values, files = dict(request.query), {}
    for head, content in _parts(request):
        name = unquote(NAME.search(head)[1])  # type: ignore[index]
        if file_name := FILE_NAME.search(head):
            files[name] = Upload(unquote(file_name[1]), content)
        else:
            values[name] = content.decode()
    return Params(values, files)


def _parts(request: Request) -> Iterator[tuple[str, bytes]]:
    boundary = request.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    for part in (b"\r\n" + request.body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        yield head.decode(), content
