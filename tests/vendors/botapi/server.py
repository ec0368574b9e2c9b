"""The Bot API over HTTP: which method is called, by whom, how fast, and how it misbehaves."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote

from tests.vendors.botapi import profile, queries, sending
from tests.vendors.botapi.buyers import Buyers
from tests.vendors.botapi.pace import Offence, Pace, too_many
from tests.vendors.botapi.params import Params, Refusal, read
from tests.vendors.botapi.world import World
from tests.vendors.stub import HANG, RESET, Answer, Behaviour, Request, Stub

TOKEN = "123456:TEST-token"
FILE = "file"
"""The name under which downloads are scripted."""
LOST = "lost"
"""Do what is asked, then cut the line: the bot cannot know."""
SILENT = "silent"
"""Do what is asked and never answer."""
PACED = {
    "sendMessage", "sendPhoto", "sendDocument", "sendMediaGroup", "sendInvoice",
    "editMessageText", "editMessageCaption", "editMessageMedia", "editMessageReplyMarkup",
}  # fmt: skip
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Call:
    """``messages`` is how many it counts for in the pace; ``why`` is empty when it was accepted."""

    at: float
    method: str
    values: dict[str, Any]
    messages: int
    why: str = ""

    @property
    def chat_id(self) -> int:
        return Params(self.values).number("chat_id")


class BotApi(Buyers):
    """``sent`` holds the accepted calls in order, ``refused`` the others; polls are in neither.

    ``inline_mode`` is what the owner told BotFather, ``delay`` how many seconds every call takes,
    ``enforce_pace`` makes the limits of ``pace`` hold, ``clock`` is what ages, links and the pace
    go by.
    """

    def __init__(
        self, token: str = TOKEN, *, enforce_pace: bool = False, reads_groups: bool = False,
        username: str = "studio_test_bot", clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        number = int(token.partition(":")[0])
        bot = {"id": number, "is_bot": True, "first_name": "Studio", "username": username}
        super().__init__(World(clock, bot), reads_groups=reads_groups)
        self.token = token
        self.enforce_pace = enforce_pace
        self.inline_mode = True
        self.delay = 0.0
        self.pace = Pace(clock)
        self.profile = profile.Profile()
        self.sent: list[Call] = []
        self.refused: list[Call] = []
        self.updates.on_reply = self._replied
        self._scripts: dict[str, deque[Refusal | Behaviour]] = defaultdict(deque)
        self._methods = self._table()
        self._names = {name.lower(): name for name in self._methods}
        self._door = _Door(self)
        self.url = self._door.url

    def __enter__(self) -> Self:
        self._door.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.__exit__()
        with self.world.changing:
            self.world.changing.notify_all()

    @property
    def base_url(self) -> str:
        """What python-telegram-bot puts the token behind."""
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        return f"{self.url}/file/bot"

    @property
    def offences(self) -> list[Offence]:
        return self.pace.offences

    def script(self, method: str, behaviour: Refusal | Behaviour, times: int = 1) -> None:
        """What the next calls of a method meet: ``error(...)``, ``too_many(seconds)``, TROUBLE,
        HTML, HANG or RESET instead of being handled, LOST or SILENT after it."""
        self._scripts[method].extend([behaviour] * times)

    def calls_to(self, method: str) -> list[Call]:
        """The accepted ones."""
        return [call for call in self.sent if call.method == method]

    def rate(self, seconds: float = 1.0) -> list[int]:
        """How many messages were accepted in each stretch of time since the first."""
        paced = [call for call in self.sent if call.messages]
        counts: Counter[int] = Counter()
        for call in paced:
            counts[int((call.at - paced[0].at) / seconds)] += call.messages
        return [counts[place] for place in range(max(counts, default=-1) + 1)]

    def busiest(self, seconds: float = 1.0) -> int:
        """The most messages that were accepted in any stretch of this length."""
        window: deque[Call] = deque()
        most = running = 0
        for call in (call for call in self.sent if call.messages):
            window.append(call)
            running += call.messages
            while window[0].at <= call.at - seconds:
                running -= window.popleft().messages
            most = max(most, running)
        return most

    def react(self, request: Request) -> Behaviour:
        path = unquote(request.path)
        if path.startswith("/file/bot"):
            return self._download(path.removeprefix("/file/bot"))
        token, _, method = path.removeprefix("/bot").partition("/")
        if not path.startswith("/bot"):
            return said(Refusal("", 404))
        if token != self.token:
            return said(Refusal("", 401))
        name = self._names.get(method.lower())
        return self._call(name, request) if name else said(Refusal("method not found", 404))

    def _call(self, name: str, request: Request) -> Behaviour:
        try:
            params = read(request)
        except Refusal as refusal:
            return said(refusal)
        if name != "getUpdates":
            time.sleep(self.delay)
        scripted = self._scripted(name)
        if isinstance(scripted, Refusal):
            return self._refused_by_script(name, params, scripted)
        if isinstance(scripted, Answer) or scripted in (HANG, RESET):
            return scripted
        answer = self._handle(name, params)
        return {LOST: RESET, SILENT: HANG}.get(scripted or "", answer)

    def _scripted(self, name: str) -> Refusal | Behaviour | None:
        with self.world.changing:
            return self._scripts[name].popleft() if self._scripts[name] else None

    def _refused_by_script(self, name: str, params: Params, refusal: Refusal) -> Answer:
        """A pause that was scripted is a pause: writing on is an offence."""
        chat = params.number("chat_id")
        with self.world.changing:
            if name in PACED:
                self.pace.notice(name, chat)
            if seconds := refusal.parameters.get("retry_after"):
                self.pace.pause(chat, seconds)
            return self._note_refusal(name, params, refusal)

    def _handle(self, name: str, params: Params) -> Answer:
        with self.world.changing:
            try:
                result = self._perform(name, params)
            except Refusal as refusal:
                return self._note_refusal(name, params, refusal)
            finally:
                self.world.changing.notify_all()
            # Written down under the lock: the message may be edited before it is on its way.
            return Answer(200, json.dumps({"ok": True, "result": result}).encode(), JSON)

    def _perform(self, name: str, params: Params) -> Any:
        chat, messages = params.number("chat_id"), _messages_in(name, params)
        if messages:
            self._check_pace(name, chat)
        result = self._methods[name](self.world, params)
        if messages:
            self.pace.count(chat, messages)
        if name != "getUpdates":
            self.sent.append(Call(self.world.clock(), name, params.values, messages))
        return result

    def _check_pace(self, name: str, chat: int) -> None:
        left = self.pace.notice(name, chat)
        if self.enforce_pace and left:
            raise too_many(left)
        if self.enforce_pace:
            self.pace.check(chat)

    def _note_refusal(self, name: str, params: Params, refusal: Refusal) -> Answer:
        now, messages = self.world.clock(), _messages_in(name, params)
        self.refused.append(Call(now, name, params.values, messages, str(refusal)))
        return said(refusal)

    def _replied(self, reply: dict[str, Any]) -> None:
        """A webhook answered an update with the call of a method."""
        if name := self._names.get(str(reply["method"]).lower()):
            self._handle(name, Params(reply))

    def _download(self, path: str) -> Behaviour:
        time.sleep(self.delay)
        scripted = self._scripted(FILE)
        if scripted is not None:
            return said(scripted) if isinstance(scripted, Refusal) else scripted
        token, _, name = path.partition("/")
        with self.world.changing:
            content = self.world.files.download(name) if token == self.token else None
        return said(Refusal("", 404)) if content is None else Answer(200, content)

    def _refund(self, world: World, params: Params) -> bool:
        self.returned(self.books.refund(world, params))
        return True

    def _me(self, world: World, params: Params) -> dict[str, Any]:
        may = {"can_join_groups": True, "supports_inline_queries": self.inline_mode}
        return {**world.bot, **may, "has_main_web_app": True,
                "can_read_all_group_messages": self._reads_groups}  # fmt: skip

    def _table(self) -> dict[str, Callable[[World, Params], Any]]:
        updates, books = self.updates, self.books
        return {
            **sending.METHODS, **queries.METHODS, **profile.METHODS, **self.profile.methods,
            "getMe": self._me,
            "getUpdates": lambda world, params: updates.get(params),
            "setWebhook": lambda world, params: updates.set_webhook(params),
            "deleteWebhook": lambda world, params: updates.delete_webhook(params),
            "getWebhookInfo": lambda world, params: updates.webhook_info(),
            "getFile": lambda world, params: world.files.link(params.text("file_id")),
            "sendInvoice": books.send, "createInvoiceLink": books.link,
            "refundStarPayment": self._refund, "getStarTransactions": books.transactions,
            "editUserStarSubscription": books.edit_subscription,
        }  # fmt: skip


class _Door(Stub):
    def __init__(self, api: BotApi) -> None:
        super().__init__()
        self.closing = api.world.closing
        self._api = api

    def react(self, request: Request) -> Behaviour:
        return self._api.react(request)


def said(refusal: Refusal) -> Answer:
    body: dict[str, Any] = {
        "ok": False, "error_code": refusal.code, "description": str(refusal),
    }  # fmt: skip
    if refusal.parameters:
        body["parameters"] = refusal.parameters
    wait = refusal.parameters.get("retry_after")
    headers = JSON | ({"Retry-After": str(wait)} if wait else {})
    return Answer(refusal.code, json.dumps(body).encode(), headers)


def error(code: int, why: str, **parameters: int) -> Refusal:
    """``why`` without the prefix: error(400, "chat not found")."""
    return Refusal(why, code, **parameters)


TROUBLE = error(500, "")
"""Telegram's own trouble: a 500 with its JSON."""


def _messages_in(name: str, params: Params) -> int:
    if name not in PACED:
        return 0
    try:
        album = params.data("media") if name == "sendMediaGroup" else None
    except Refusal:
        return 1
    return len(album) if isinstance(album, list) and album else 1
