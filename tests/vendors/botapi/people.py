"""What people do in Telegram, and what they see there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.vendors.botapi.entities import found_in
from tests.vendors.botapi.markup import START
from tests.vendors.botapi.profile import member
from tests.vendors.botapi.seen import Seen, seen
from tests.vendors.botapi.sending import photo_content
from tests.vendors.botapi.updates import Updates
from tests.vendors.botapi.world import Group, Message, Person, Query, World


class People:
    """A person who was not introduced by ``person`` appears when they first do something.

    With ``reads_groups`` the bot hears everything in groups; otherwise, as most bots, only commands
    and replies to it.
    """

    def __init__(self, world: World, *, reads_groups: bool) -> None:
        self.world = world
        self.updates = Updates(world)
        self._reads_groups = reads_groups

    def person(self, user_id: int, **about: Any) -> Person:
        """``first_name``, ``language_code``, ``username``, and ``started`` for who wrote before."""
        with self.world.changing:
            person = Person(user_id, **{"first_name": f"Person {user_id}", **about})
            self.world.chats[user_id] = person
            return person

    def say(
        self, user_id: int, text: str, chat_id: int | None = None, reply_to: Seen | None = None
    ) -> Seen:
        return self._write(user_id, chat_id, reply_to, text=text, entities=found_in(text))

    def start(self, user_id: int, payload: str = "") -> Seen:
        """The start button, or a deep link. Raises ValueError for one that Telegram drops."""
        if payload and not START.fullmatch(payload):
            raise ValueError(f"no deep link carries {payload!r}")
        return self.say(user_id, f"/start {payload}".strip())

    def send_photo(
        self, user_id: int, content: bytes, caption: str | None = None, *,
        media_group_id: str | None = None, chat_id: int | None = None, reply_to: Seen | None = None,
    ) -> Seen:  # fmt: skip
        with self.world.changing:
            photo = photo_content(self.world.files.photo(content))
        album = {"media_group_id": media_group_id}
        return self._write(user_id, chat_id, reply_to, **photo, **_under(caption), **album)

    def send_document(
        self, user_id: int, content: bytes, caption: str | None = None, *, name: str = "photo.png",
        media_group_id: str | None = None, chat_id: int | None = None, reply_to: Seen | None = None,
    ) -> Seen:  # fmt: skip
        with self.world.changing:
            document = self.world.files.document(content, name).shown
        more = {"document": document, "media_group_id": media_group_id}
        return self._write(user_id, chat_id, reply_to, **more, **_under(caption))

    def edit(self, user_id: int, message: Seen, text: str) -> int | None:
        """Somebody corrects what they wrote. The id of the update."""
        with self.world.changing:
            written = self.world.said[message.chat_id][message.id]
            written |= {"text": text, "entities": found_in(text), "edit_date": self.world.now}
            return self.updates.add("edited_message", written)

    def press(self, user_id: int, message: Seen | str, data: str) -> str:
        """The id of the callback query. What is not on the message as it was seen: LookupError.

        A string stands for the message of an inline result.
        """
        with self.world.changing:
            shown = self.inline_message(message) if isinstance(message, str) else message
            if not any(key.get("callback_data") == data for row in shown.buttons for key in row):
                raise LookupError(f"no button with {data!r} among {shown.labels}")
            query = self.world.ask("callback", user_id, data=data)
            body = {"id": query.id, "from": self._who(user_id).user, "data": data}
            where = {"inline_message_id": message} if isinstance(message, str) else {
                "message": self._pressed(shown)
            }  # fmt: skip
            self.updates.add("callback_query", {**body, **where, "chat_instance": "1"})
            return query.id

    def inline(self, user_id: int, query: str, offset: str = "") -> str:
        """Somebody types after the bot's name. The id of the query."""
        if len(query) > 256:
            raise ValueError("Telegram passes 256 characters on")
        asked = {"query": query, "offset": offset}
        made = self._asked(user_id, "inline", "inline_query", {**asked, "chat_type": "sender"})
        return made.id

    def choose(self, user_id: int, result_id: str, query_id: str) -> str | None:
        """Somebody sends a result. Its id for edits, which only one with buttons has."""
        with self.world.changing:
            query = self.world.queries[query_id]
            content = query.answer["contents"][result_id]  # type: ignore[index]
            body = {"result_id": result_id, "from": self._who(user_id).user}
            body["query"] = query.asked["query"]
            if "reply_markup" in content:
                body["inline_message_id"] = f"AAAA{self.world.number()}"
                named = {"inline_message_id": body["inline_message_id"]}
                self.world.inline[body["inline_message_id"]] = {**content, **named}
            self.updates.add("chosen_inline_result", body)
            return body.get("inline_message_id")

    def answer_to(self, query_id: str, seconds: float = 5) -> dict[str, Any]:
        """The parameters of the bot's answer. Raises TimeoutError where there is none."""
        self.wait_for(lambda: self.world.queries[query_id].answer is not None, seconds)
        return self.world.queries[query_id].answer  # type: ignore[return-value]

    def block(self, user_id: int) -> None:
        self._turn(user_id, "blocked", ("member", "kicked"))

    def unblock(self, user_id: int) -> None:
        self._turn(user_id, "active", ("kicked", "member"))

    def deactivate(self, user_id: int) -> None:
        """The person deletes their account. Nobody tells the bot."""
        self._who(user_id).state = "deactivated"

    def group(self, chat_id: int, title: str, members: list[int], bot: str = "member") -> Group:
        """The first of the members adds the bot. An id from -100… on is a supergroup."""
        with self.world.changing:
            group = Group(chat_id, title, set(members), bot)
            self.world.chats[chat_id] = group
            self._tell_of_bot(group, members[0], "left", bot)
            self._service(group, members[0], new_chat_members=[self.world.bot])
            return group

    def kick(self, chat_id: int, by: int) -> None:
        """The bot is thrown out of a group."""
        with self.world.changing:
            group = self._group(chat_id)
            before, group.bot = group.bot, "kicked"
            self._tell_of_bot(group, by, before, "kicked")

    def migrate(self, chat_id: int, new_id: int) -> None:
        """A group becomes a supergroup with another id."""
        with self.world.changing:
            old = self._group(chat_id)
            old.moved_to = new_id
            self.world.chats[new_id] = Group(new_id, old.title, old.members, old.bot)
            self._service(old, min(old.members), migrate_to_chat_id=new_id)

    def inject(self, update: dict[str, Any]) -> int:
        """An update word for word; without ``update_id`` it gets the next one."""
        return self.updates.inject(update)

    def redeliver(self, update_id: int) -> None:
        """The same update once more, whether confirmed or not."""
        self.updates.redeliver(update_id)

    def messages(self, chat_id: int) -> list[Seen]:
        """What stands in a chat now, after edits and deletions, oldest first."""
        with self.world.changing:
            return [
                seen(message, self.world.files) for message in self.world.said[chat_id].values()
            ]

    def last(self, chat_id: int) -> Seen | None:
        """The bot's newest message in a chat."""
        mine = [message for message in self.messages(chat_id) if message.by_bot]
        return mine[-1] if mine else None

    def inline_message(self, inline_message_id: str) -> Seen:
        return seen(self.world.inline[inline_message_id], self.world.files)

    def keyboard(self, chat_id: int) -> dict[str, Any] | None:
        """What the bot last put in place of the person's own keyboard."""
        return self.world.keyboards.get(chat_id)

    def wait_for(self, predicate: Callable[[], Any], seconds: float = 5) -> Any:
        """What the predicate says as soon as it is true. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while not (value := predicate()):
            if time.monotonic() > until:
                raise TimeoutError(f"still waiting after {seconds} s")
            with self.world.changing:
                self.world.changing.wait(0.05)
        return value

    def _who(self, user_id: int) -> Person:
        found = self.world.chats.get(user_id)
        return found if isinstance(found, Person) else self.person(user_id)

    def _group(self, chat_id: int) -> Group:
        group = self.world.chats[chat_id]
        if not isinstance(group, Group):
            raise ValueError(f"{chat_id} is no group")
        return group

    def _write(
        self, user_id: int, chat_id: int | None, reply_to: Seen | None, **content: Any
    ) -> Seen:
        with self.world.changing:
            person = self._who(user_id)
            chat = self._group(chat_id) if chat_id and chat_id != user_id else person
            if chat is person and person.state != "active":
                raise ValueError("unblock the bot first")
            person.started = person.started or chat is person
            replied = self.world.quoted(chat.id, reply_to.id) if reply_to else None
            message = self.world.post(chat, person.user, reply_to_message=replied, **content)
            number = self.updates.add("message", message) if self._hears(chat, message) else None
            return seen(message, self.world.files, number)

    def _hears(self, chat: Person | Group, message: Message) -> bool:
        if isinstance(chat, Person) or self._reads_groups or chat.bot == "administrator":
            return True
        if chat.bot in ("left", "kicked"):
            return False
        words = (message.get("text") or message.get("caption") or "").split()
        command, _, named = words[0].partition("@") if words else ("", "", "")
        meant = command.startswith("/") and named in ("", self.world.bot["username"])
        to = message.get("reply_to_message", {}).get("from", {})
        return meant or to.get("id") == self.world.bot["id"]

    def _pressed(self, shown: Seen) -> Message:
        """The message as it is now. Of one that was deleted only the place is known."""
        gone = {"message_id": shown.id, "chat": self.world.chats[shown.chat_id].chat, "date": 0}
        return self.world.said[shown.chat_id].get(shown.id, gone)

    def _asked(self, user_id: int, kind: str, update: str, body: dict[str, Any]) -> Query:
        with self.world.changing:
            query = self.world.ask(kind, user_id, **body)
            self.updates.add(update, {"id": query.id, "from": self._who(user_id).user, **body})
            return query

    def _service(self, chat: Person | Group, user_id: int, **content: Any) -> None:
        """A message that Telegram itself puts into a chat."""
        message = self.world.post(chat, self._who(user_id).user, **content)
        self.updates.add("message", message)

    def _turn(self, user_id: int, state: str, statuses: tuple[str, str]) -> None:
        with self.world.changing:
            person = self._who(user_id)
            person.state = state
            self._tell_of_bot(person, user_id, *statuses)

    def _tell_of_bot(self, chat: Person | Group, by: int, before: str, after: str) -> None:
        bot = self.world.bot
        body = {"chat": chat.chat, "from": self._who(by).user, "date": self.world.now}
        change = {"old_chat_member": member(bot, before), "new_chat_member": member(bot, after)}
        self.updates.add("my_chat_member", {**body, **change})


def _under(caption: str | None) -> dict[str, Any]:
    return {"caption": caption, "caption_entities": found_in(caption or "")}
