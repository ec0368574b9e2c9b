"""One person's phone: what stands in a chat there, and what they do in it."""

from __future__ import annotations

from collections.abc import Callable

from tests.vendors.botapi.seen import Seen
from tests.vendors.botapi.server import BotApi

Told = Callable[[Seen], bool]


class Phone:
    """``patience`` is how many seconds something is waited for. ``chat`` is a group's id, where it
    is not the person's own chat with the bot."""

    def __init__(
        self, api: BotApi, user: int, chat: int | None = None, patience: float = 60
    ) -> None:
        self.api, self.user, self.chat = api, user, chat or user
        self.patience = patience

    def say(self, text: str, reply_to: Seen | None = None) -> Seen:
        return self.api.say(self.user, text, chat_id=self.chat, reply_to=reply_to)

    def send(self, photo: bytes, caption: str | None = None, album: str | None = None) -> Seen:
        return self.api.send_photo(
            self.user, photo, caption, media_group_id=album, chat_id=self.chat
        )

    def see(self, told: Told, after: Seen | None = None) -> Seen:
        """The newest of the bot's messages of which this is true, once there is one."""
        return self.see_all(told, after=after)[-1]

    def see_all(self, told: Told, number: int = 1, after: Seen | None = None) -> list[Seen]:
        """All of them, once there are so many. ``after`` leaves out what stands above it."""
        since = after.id if after else 0

        def found() -> list[Seen]:
            return [one for one in self.of_bot() if one.id > since and told(one)]

        try:
            self.api.wait_for(lambda: len(found()) >= number, self.patience)
        except TimeoutError:
            raise AssertionError(f"not seen by {self.user}: {self.screen()}") from None
        return found()

    def read(self, words: str, after: Seen | None = None) -> Seen:
        return self.see(lambda one: words in one.words, after)

    def picture(self, number: int = 1, after: Seen | None = None) -> Seen:
        """The newest picture, once there are so many."""
        return self.see_all(lambda one: one.photo is not None, number, after)[-1]

    def tap(self, message: Seen, label: str) -> str:
        """Press the first button that begins so. The id of the query."""
        keys = [one for row in message.buttons for one in row if one["text"].startswith(label)]
        if not keys:
            raise AssertionError(f"no button {label!r} among {message.labels}")
        return self.api.press(self.user, message, keys[0]["callback_data"])

    def press(self, message: Seen, label: str) -> str:
        """What is shown over the button for that, possibly nothing."""
        return (self.api.answer_to(self.tap(message, label), 15) or {}).get("text", "")

    def gone(self, message: Seen) -> None:
        """Returns once this message stands there no more."""
        self.api.wait_for(lambda: all(one.id != message.id for one in self.of_bot()), self.patience)

    def now(self, message: Seen) -> Seen:
        """The same message as it stands there now."""
        return next(one for one in self.of_bot() if one.id == message.id)

    def bottom(self) -> Seen:
        """The newest message, whoever wrote it."""
        return self.api.messages(self.chat)[-1]

    def of_bot(self) -> list[Seen]:
        return [one for one in self.api.messages(self.chat) if one.by_bot]

    def screen(self) -> list[str]:
        return [one.words or "a picture" for one in self.api.messages(self.chat)]
