"""Updates carried to the bot's own address until it takes them."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.vendors.botapi.params import need

if TYPE_CHECKING:
    from tests.vendors.botapi.updates import Updates

POSTMEN = 4
ANSWER_SECONDS = 30
LONGEST_REST = 5.0
NEAR = ("127.0.0.1", "localhost")


def examine(url: str) -> None:
    """Telegram wants HTTPS. This one goes to its own machine without, for the tests' sake."""
    parts = urlsplit(url)
    why = "bad webhook: An HTTPS URL must be provided for webhook"
    need(not url or parts.scheme == "https" or parts.hostname in NEAR, why)


class Webhook:
    """Several postmen, and never two of them with updates of the same chat."""

    def __init__(self, updates: Updates, url: str, secret: str, connections: int) -> None:
        self.stopped = threading.Event()
        self.info: dict[str, Any] = {"url": url, "max_connections": connections}
        self._updates = updates
        self._url = urlsplit(url)
        self._secret = secret
        self._busy: set[int] = set()
        self._rests: dict[int, tuple[float, float]] = {}

    def start(self) -> None:
        for _ in range(max(min(POSTMEN, self.info["max_connections"]), 1)):
            threading.Thread(target=self._carry, daemon=True).start()

    def _carry(self) -> None:
        world = self._updates.world
        while not (self.stopped.is_set() or world.closing.is_set()):
            with world.changing:
                update = self._pick()
                if update is None:
                    world.changing.wait(0.05)
                    continue
                self._busy.add(_chat_of(update))
            self._deliver(update)

    def _pick(self) -> dict[str, Any] | None:
        """The first update of a chat that no postman is at and that is not at rest."""
        passed = set(self._busy)
        for update in self._updates.waiting:
            chat = _chat_of(update)
            until, _ = self._rests.get(chat, (0.0, 0.0))
            if chat not in passed and time.monotonic() >= until:
                return update
            passed.add(chat)
        return None

    def _deliver(self, update: dict[str, Any]) -> None:
        failure, reply = self._post(update)
        chat = _chat_of(update)
        with self._updates.world.changing:
            self._busy.discard(chat)
            if failure:
                self._rest(chat, failure)
            else:
                self._rests.pop(chat, None)
                self._updates.taken(update)
        if reply:
            self._updates.on_reply(reply)

    def _rest(self, chat: int, failure: str) -> None:
        _, last = self._rests.get(chat, (0.0, self._updates.retry_seconds / 2))
        seconds = min(last * 2, LONGEST_REST)
        self._rests[chat] = (time.monotonic() + seconds, seconds)
        self.info |= {"last_error_date": self._updates.world.now, "last_error_message": failure}

    def _post(self, update: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
        """What went wrong, and the call of a method that came as the answer."""
        try:
            status, body = self._exchange(json.dumps(update).encode())
        except TimeoutError:
            return "Read timeout expired", None
        except (OSError, http.client.HTTPException):
            return "Connection refused", None
        if not 200 <= status < 300:
            said = http.client.responses.get(status, "")
            return f"Wrong response from the webhook: {status} {said}", None
        return "", _call_in(body)

    def _exchange(self, body: bytes) -> tuple[int, bytes]:
        plain = self._url.scheme == "http"
        kind = http.client.HTTPConnection if plain else http.client.HTTPSConnection
        connection = kind(self._url.netloc, timeout=ANSWER_SECONDS)
        try:
            path = self._url._replace(scheme="", netloc="").geturl() or "/"
            connection.request("POST", path, body, self._headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    @property
    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Connection": "close"}
        return headers | ({"X-Telegram-Bot-Api-Secret-Token": self._secret} if self._secret else {})


def _call_in(body: bytes) -> dict[str, Any] | None:
    try:
        reply = json.loads(body)
    except ValueError:
        return None
    return reply if isinstance(reply, dict) and reply.get("method") else None


def _chat_of(update: dict[str, Any]) -> int:
    """The chat that an update is about, or the person where there is no chat."""
    about = next((body for body in update.values() if isinstance(body, dict)), {})
    message = about.get("message") or about
    where = message.get("chat") or about.get("from") or about.get("user") or {}
    return where.get("id", 0)
