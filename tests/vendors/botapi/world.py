"""What Telegram knows: people, groups, messages, open queries. Everything else acts on this."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.vendors.botapi.files import Files
from tests.vendors.botapi.params import Params, Refusal, need

Message = dict[str, Any]
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
PATIENCE = {"callback": 15.0, "inline": 10.0, "checkout": 10.0}
"""Seconds in which a query must be answered. Telegram publishes the last one only."""


@dataclass
class Person:
    """``state`` is active, blocked or deactivated."""

    id: int
    first_name: str
    language_code: str = "en"
    username: str | None = None
    started: bool = False
    state: str = "active"

    @property
    def user(self) -> dict[str, Any]:
        user = {"id": self.id, "is_bot": False, "language_code": self.language_code}
        return user | self._names

    @property
    def chat(self) -> dict[str, Any]:
        return {"id": self.id, "type": "private", **self._names}

    @property
    def _names(self) -> dict[str, str]:
        names = {"first_name": self.first_name}
        return names | ({"username": self.username} if self.username else {})

    def let_in(self) -> None:
        """Raises Refusal where the bot may not write."""
        if self.state == "deactivated":
            raise Refusal("user is deactivated", 403)
        if self.state == "blocked":
            raise Refusal("bot was blocked by the user", 403)
        if not self.started:
            raise Refusal("bot can't initiate conversation with a user", 403)


@dataclass
class Group:
    """``bot`` is what the bot is there: member, administrator, left or kicked."""

    id: int
    title: str
    members: set[int]
    bot: str = "member"
    moved_to: int | None = None

    @property
    def kind(self) -> str:
        return "supergroup" if str(self.id).startswith("-100") else "group"

    @property
    def chat(self) -> dict[str, Any]:
        return {"id": self.id, "type": self.kind, "title": self.title}

    def let_in(self) -> None:
        if self.moved_to:
            why = "group chat was upgraded to a supergroup chat"
            raise Refusal(why, migrate_to_chat_id=self.moved_to)
        if self.bot == "kicked":
            raise Refusal(f"bot was kicked from the {self.kind} chat", 403)
        if self.bot == "left":
            raise Refusal(f"bot is not a member of the {self.kind} chat", 403)


@dataclass
class Query:
    """Something a person waits for: the press of a button, a search, permission to pay."""

    id: str
    kind: str
    person: int
    at: float
    asked: dict[str, Any]
    answer: dict[str, Any] | None = None


@dataclass
class World:
    """One lock guards all of it; ``changing`` also wakes those who wait for a change."""

    clock: Callable[[], float]
    bot: dict[str, Any]
    changing: threading.Condition = field(default_factory=threading.Condition)
    closing: threading.Event = field(default_factory=threading.Event)
    chats: dict[int, Person | Group] = field(default_factory=dict)
    said: dict[int, dict[int, Message]] = field(default_factory=lambda: defaultdict(dict))
    keyboards: dict[int, dict[str, Any]] = field(default_factory=dict)
    inline: dict[str, Message] = field(default_factory=dict)
    queries: dict[str, Query] = field(default_factory=dict)
    patience: dict[str, float] = field(default_factory=PATIENCE.copy)
    _numbers: Any = field(default_factory=lambda: itertools.count(7_000_000_001))
    _ids: dict[int, Any] = field(default_factory=lambda: defaultdict(lambda: itertools.count(1)))

    def __post_init__(self) -> None:
        self.files = Files(self.clock)

    @property
    def now(self) -> int:
        return int(self.clock())

    def number(self) -> str:
        """A new id of a query, an invoice or a charge."""
        return str(next(self._numbers))

    def chat(self, params: Params) -> Person | Group:
        """The chat of a request. Raises Refusal where there is none."""
        need("chat_id" in params, "chat_id is empty")
        chat = self.chats.get(params.number("chat_id"))
        if chat is None:
            raise Refusal("chat not found")
        return chat

    def writable(self, params: Params) -> Person | Group:
        """The chat of a request that writes."""
        chat = self.chat(params)
        chat.let_in()
        return chat

    def post(self, chat: Person | Group, sender: dict[str, Any], **content: Any) -> Message:
        message = {
            "message_id": next(self._ids[chat.id]), "from": sender, "chat": chat.chat,
            "date": self.now, **{name: value for name, value in content.items() if value},
        }  # fmt: skip
        self.said[chat.id][message["message_id"]] = message
        return message

    def quoted(self, chat_id: int, message_id: int) -> Message | None:
        """A message as a reply to it carries it: without what it replied to itself."""
        message = self.said[chat_id].get(message_id)
        return message and {n: v for n, v in message.items() if n != "reply_to_message"}

    def ask(self, kind: str, person: int, **asked: Any) -> Query:
        query = Query(self.number(), kind, person, self.clock(), asked)
        self.queries[query.id] = query
        return query

    def settle(self, kind: str, query_id: str) -> Query:
        """A query that may still be answered. Raises Refusal for any other."""
        query = self.queries.get(query_id)
        need(query and query.kind == kind and query.answer is None, TOO_OLD)
        need(self.clock() - query.at <= self.patience[kind], TOO_OLD)  # type: ignore[union-attr]
        return query  # type: ignore[return-value]
