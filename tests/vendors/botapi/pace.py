"""How fast a bot may write, and who goes on writing although told to wait.

Telegram publishes the three rules without their edges, so the edges are decided here:

* overall: 30 messages in any second, and 3 more, because a network squeezes a steady stream;
* a private chat: a bucket of 3 that is refilled by 1 a second;
* a group: 20 messages in any 60 seconds.

Edits count like messages and each picture of an album as one. An album is let through whole when
there is room for its first picture; the rest is waited for afterwards.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.vendors.botapi.params import Refusal

EVERYWHERE = 0
"""The place that stands for all chats together."""


@dataclass(frozen=True)
class Offence:
    """A message that was sent while the bot had been told to wait."""

    at: float
    method: str
    chat_id: int


@dataclass
class Pace:
    clock: Callable[[], float]
    overall: int = 30
    burst: int = 3
    bucket: int = 3
    refill: float = 1.0
    group: int = 20
    group_seconds: float = 60.0
    offences: list[Offence] = field(default_factory=list)
    _recent: dict[int, deque[float]] = field(default_factory=dict)
    _buckets: dict[int, tuple[float, float]] = field(default_factory=dict)
    _paused: dict[int, float] = field(default_factory=dict)

    def notice(self, method: str, chat_id: int) -> float:
        """Seconds that this chat is still to be left alone. Writing to it then is an offence."""
        now = self.clock()
        left = max(self._paused.get(place, 0) - now for place in (EVERYWHERE, chat_id))
        if left > 0:
            self.offences.append(Offence(now, method, chat_id))
        return max(left, 0)

    def pause(self, chat_id: int, seconds: float) -> None:
        self._paused[chat_id] = self.clock() + seconds

    def check(self, chat_id: int) -> None:
        """Raises Refusal (429) where one message more is too many, and begins a pause."""
        for place, wait in ((EVERYWHERE, self._overall()), (chat_id, self._one_chat(chat_id))):
            if wait > 0:
                seconds = max(math.ceil(wait), 1)
                self.pause(place, seconds)
                raise too_many(seconds)

    def count(self, chat_id: int, messages: int) -> None:
        """Messages that were taken."""
        now = self.clock()
        for place in {EVERYWHERE, min(chat_id, EVERYWHERE)}:  # the ids of groups are negative
            self._recent.setdefault(place, deque()).extend([now] * messages)
        if chat_id > 0:
            self._buckets[chat_id] = (self._level(chat_id) - messages, now)

    def _overall(self) -> float:
        return self._window(EVERYWHERE, self.overall + self.burst, 1.0)

    def _one_chat(self, chat_id: int) -> float:
        if chat_id < 0:
            return self._window(chat_id, self.group, self.group_seconds)
        if chat_id == EVERYWHERE:
            return 0.0
        missing = 1 - self._level(chat_id)
        return missing / self.refill if missing > 1e-6 else 0.0

    def _window(self, place: int, limit: int, seconds: float) -> float:
        """Seconds until the window has room again."""
        now, recent = self.clock(), self._recent.setdefault(place, deque())
        while recent and recent[0] <= now - seconds:
            recent.popleft()
        return recent[-limit] + seconds - now if len(recent) >= limit else 0.0

    def _level(self, chat_id: int) -> float:
        level, then = self._buckets.get(chat_id, (float(self.bucket), 0.0))
        return min(self.bucket, level + (self.clock() - then) * self.refill)


def too_many(seconds: float) -> Refusal:
    whole = max(math.ceil(seconds), 1)
    return Refusal(f"retry after {whole}", 429, retry_after=whole)
