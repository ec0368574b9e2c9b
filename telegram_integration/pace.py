"""How often Telegram may be spoken to: overall, in a chat, in a group. No clock of its own.

Telegram publishes about 30 messages a second overall, one a second in a chat with short bursts, and
20 a minute in a group; what it answers with ``retry_after`` counts for that chat alone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

OVERALL_A_SECOND = 29.5  # a hair below, since clocks differ
CHAT_BURST, CHAT_EVERY = 2.0, 1.05
GROUP_MOST, GROUP_SECONDS, GROUP_GAP = 19, 61.0, 1.05


@dataclass
class Bucket:
    """``burst`` at once, then one every ``every`` seconds."""

    burst: float
    every: float
    left: float = 0.0
    at: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until one may go."""
        self._fill(now)
        return max(0.0, (1 - self.left) * self.every)

    def take(self, now: float) -> None:
        self._fill(now)
        self.left -= 1

    def is_full(self, now: float) -> bool:
        return now - self.at > self.burst * self.every

    def _fill(self, now: float) -> None:
        self.left = min(self.burst, self.left + (now - self.at) / self.every)
        self.at = now


@dataclass
class Window:
    """At most ``most`` in any ``seconds``, with a gap between two."""

    most: int = GROUP_MOST
    seconds: float = GROUP_SECONDS
    gap: float = GROUP_GAP
    taken: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> float:
        while self.taken and self.taken[0] <= now - self.seconds:
            self.taken.popleft()
        full = self.taken[0] + self.seconds - now if len(self.taken) >= self.most else 0.0
        close = self.taken[-1] + self.gap - now if self.taken else 0.0
        return max(0.0, full, close)

    def take(self, now: float) -> None:
        self.taken.append(now)

    def is_full(self, now: float) -> bool:
        return not self.taken or self.taken[-1] <= now - self.seconds


@dataclass
class Pace:
    """Everybody's. Ask how long to wait, then ``take``; ``hold`` where Telegram said to wait."""

    overall: Bucket = field(default_factory=lambda: Bucket(1.0, 1 / OVERALL_A_SECOND, 1.0))
    chats: dict[int, Bucket | Window] = field(default_factory=dict)
    held: dict[int, float] = field(default_factory=dict)

    def wait(self, chat_id: int, now: float) -> float:
        """Seconds until this chat may get a message, whoever else wants to write elsewhere."""
        return max(self._chat(chat_id, now).wait(now), self.held.get(chat_id, 0.0) - now)

    def take(self, chat_id: int, now: float) -> None:
        self.overall.take(now)
        self._chat(chat_id, now).take(now)

    def hold(self, chat_id: int, seconds: float, now: float) -> None:
        """Telegram wants silence in this chat, and in no other."""
        self.held[chat_id] = max(self.held.get(chat_id, 0.0), now + seconds)

    def forget(self, now: float) -> None:
        """Chats that may be written to at once need not be remembered."""
        self.chats = {chat: one for chat, one in self.chats.items() if not one.is_full(now)}
        self.held = {chat: until for chat, until in self.held.items() if until > now}

    def _chat(self, chat_id: int, now: float) -> Bucket | Window:
        if chat_id not in self.chats:
            private = Bucket(CHAT_BURST, CHAT_EVERY, CHAT_BURST, now)
            self.chats[chat_id] = Window() if chat_id < 0 else private
        return self.chats[chat_id]
