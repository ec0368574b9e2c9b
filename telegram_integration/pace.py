"""How often Telegram may be spoken to: overall, in a chat, in a group. No clock of its own.

Telegram publishes about 30 messages a second overall, one a second in a chat with short bursts, and
20 a minute in a group; what it answers with ``retry_after`` counts for that chat alone, unless it
says so to one chat after the other and takes nothing in between.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

# In any stretch of a second. The bucket keeps them from coming all at once; its burst makes up for
# a moment when the machine was busy.
OVERALL_MOST, OVERALL_SECONDS = 30, 1.0
OVERALL_EVERY, OVERALL_BURST = 1 / 29.5, 3.0
CHAT_BURST, CHAT_EVERY = 3.0, 1.1
GROUP_MOST, GROUP_SECONDS, GROUP_GAP = 19, 61.0, 1.05
SOON = 0.05  # when to ask again while some are on their way
IN_A_ROW = 3
"""So many chats that are told to wait, one after the other, mean that all are."""


@dataclass
class Bucket:
    """``burst`` at once, then one every ``every`` seconds."""

    burst: float
    every: float
    left: float = 0.0
    at: float = 0.0

    def wait(self, now: float, spare: float = 0.0) -> float:
        """Seconds until one may go and that share of all is left for others."""
        self._fill(now)
        return max(0.0, (1 + spare * self.burst - self.left) * self.every)

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

    def wait(self, now: float, spare: float = 0.0) -> float:
        """As a bucket's."""
        most = self.most - round(spare * self.most)
        while self.taken and self.taken[0] <= now - self.seconds:
            self.taken.popleft()
        full = self.taken[-most] + self.seconds - now if len(self.taken) >= most else 0.0
        close = self.taken[-1] + self.gap - now if self.taken else 0.0
        return max(0.0, full, close)

    def take(self, now: float) -> None:
        self.taken.append(now)

    def is_full(self, now: float) -> bool:
        return not self.taken or self.taken[-1] <= now - self.seconds


@dataclass
class Slot:
    """A message's place among all: from when it is taken up until a while after it ``landed``."""

    landed: float = float("inf")

    @property
    def is_used(self) -> bool:
        return self.landed < float("inf")


@dataclass
class Stretch:
    """At most ``most`` that are on their way or landed within ``seconds``: so however long a line
    or Telegram keeps them, no more can come there in so many seconds."""

    most: int = OVERALL_MOST
    seconds: float = OVERALL_SECONDS
    slots: list[Slot] = field(default_factory=list)

    def wait(self, now: float, spare: float = 0.0) -> float:
        """As a bucket's."""
        self.slots = [one for one in self.slots if one.landed > now - self.seconds]
        over = len(self.slots) - (self.most - round(spare * self.most))
        if over < 0:
            return 0.0
        free = sorted(one.landed for one in self.slots)[over] + self.seconds - now
        return min(free, SOON)

    def take(self) -> Slot:
        self.slots.append(Slot())
        return self.slots[-1]


@dataclass
class Pace:
    """Everybody's. Ask how long to wait, then ``take`` a slot and say when it has ``landed``, which
    is when Telegram has answered; ``hold`` where it said to wait.

    A chat is not asked about while a message to it is on its way: so it counts from its end, and
    however long it takes, the next one does not come too early.
    """

    overall: Bucket = field(default_factory=lambda: Bucket(OVERALL_BURST, OVERALL_EVERY, 1.0))
    second: Stretch = field(default_factory=lambda: Stretch(OVERALL_MOST, OVERALL_SECONDS))
    chats: dict[int, Bucket | Window] = field(default_factory=dict)
    held: dict[int, float] = field(default_factory=dict)
    in_a_row: dict[int, float] = field(default_factory=dict)
    all_held: float = 0.0

    def wait_for_all(self, now: float) -> float:
        """Seconds until anybody may get a message."""
        return max(self.overall.wait(now), self.second.wait(now), self.all_held - now)

    def wait(self, chat_id: int, now: float, spare: float = 0.0) -> float:
        """Seconds until this chat may get a message, whoever else wants to write elsewhere, and
        that share of what it may get is left for what is more urgent."""
        return max(self._chat(chat_id, now).wait(now, spare), self.held.get(chat_id, 0.0) - now)

    def take(self, now: float) -> Slot:
        self.overall.take(now)
        return self.second.take()

    def landed(self, slot: Slot, chat_id: int, now: float) -> None:
        slot.landed = now
        self._chat(chat_id, now).take(now)

    def was_sent(self, chat_id: int, at: float) -> None:
        """Before this process began, oldest first: the chat remembers, so we do."""
        self._chat(chat_id, at).take(at)

    def give_back(self, slot: Slot) -> None:
        """It was not needed, unless it has landed."""
        self.second.slots = [one for one in self.second.slots if one is not slot or one.is_used]

    def hold(self, chat_id: int, seconds: float, now: float) -> None:
        """Silence in this chat, and in no other."""
        self.held[chat_id] = max(self.held.get(chat_id, 0.0), now + seconds)

    def told_to_wait(self, chat_id: int, seconds: float, now: float) -> None:
        """Telegram wants silence in this chat; after several in a row, in all."""
        self.hold(chat_id, seconds, now)
        lately = {chat: until for chat, until in self.in_a_row.items() if until > now}
        self.in_a_row = lately | {chat_id: now + seconds}
        if len(self.in_a_row) >= IN_A_ROW:
            self.all_held = max(self.all_held, *self.in_a_row.values())

    def was_taken(self) -> None:
        """Telegram took a message, so it does not want silence from all."""
        self.in_a_row.clear()

    def resting(self, now: float, seconds: float) -> list[int]:
        """Chats that may not be written to for that long."""
        known = [*self.chats, *(chat for chat in self.held if chat not in self.chats)]
        return [chat for chat in known if self.wait(chat, now) > seconds]

    def forget(self, now: float) -> None:
        """Chats that may be written to at once need not be remembered."""
        self.chats = {chat: one for chat, one in self.chats.items() if not one.is_full(now)}
        self.held = {chat: until for chat, until in self.held.items() if until > now}

    def _chat(self, chat_id: int, now: float) -> Bucket | Window:
        if chat_id not in self.chats:
            private = Bucket(CHAT_BURST, CHAT_EVERY, CHAT_BURST, now)
            self.chats[chat_id] = Window() if chat_id < 0 else private
        return self.chats[chat_id]
