"""A person in a chat with the bot: updates as Telegram sends them, answered on the spot."""

from __future__ import annotations

import itertools
import time
from typing import Any

from telegram import Update

from generation import worker
from generation.models import Job
from telegram_integration import answering, telling
from telegram_integration.calls import Call
from telegram_integration.models import Incoming, OutgoingMessage, User
from tests.pictures import picture_file

ANN = {"id": 777000, "is_bot": False, "first_name": "Ann", "language_code": "en"}
BOB = {"id": 777001, "is_bot": False, "first_name": "Bob", "language_code": "ru"}
GROUP = {"id": -1001, "type": "supergroup", "title": "Friends"}
numbers = itertools.count(1)


class Talker:
    """What one person does. Each act returns what the bot said at once, oldest first."""

    def __init__(self, who: dict[str, Any] = ANN, chat: dict[str, Any] | None = None) -> None:
        self.who = who
        self.chat = chat or {"id": who["id"], "type": "private", "first_name": who["first_name"]}

    @property
    def user(self) -> User:
        return User.objects.get(telegram_id=self.who["id"])

    def write(self, text: str, **more: Any) -> list[OutgoingMessage]:
        return self.tell("message", self.message(text=text, **more))

    def photo(self, colour: str = "teal", **more: Any) -> list[OutgoingMessage]:
        sizes = [{"file_id": "x", "file_unique_id": "x", "width": 9, "height": 9, "file_size": 9}]
        return self.tell("message", self.message(photo=sizes, **more), file=picture_file(colour))

    def press(self, message: OutgoingMessage, label: str) -> list[OutgoingMessage]:
        """The first button whose text begins so."""
        rows = message.body["reply_markup"]["inline_keyboard"]
        found = [one for row in rows for one in row if one["text"].startswith(label)]
        return self.press_data(message, found[0]["callback_data"])

    def press_data(self, message: OutgoingMessage, data: str) -> list[OutgoingMessage]:
        shown = {"message_id": message.message_id or 1, "date": 1, "chat": self.chat, "text": "x"}
        query = {"id": str(next(numbers)), "from": self.who, "chat_instance": "1", "data": data}
        return self.tell("callback_query", query | {"message": shown})

    def reply(self, message: OutgoingMessage, text: str) -> list[OutgoingMessage]:
        answered = {"message_id": message.message_id, "date": 1, "chat": self.chat}
        return self.write(text, reply_to_message=answered)

    def message(self, **more: Any) -> dict[str, Any]:
        number = next(numbers)
        return {"message_id": number, "date": int(time.time()), "chat": self.chat,
                "from": self.who, **more}  # fmt: skip

    def tell(self, kind: str, what: dict[str, Any], file: bytes | None = None) -> Any:
        self.update = {"update_id": next(numbers), kind: what}
        return self.again(file)

    def again(self, file: bytes | None = None) -> list[OutgoingMessage]:
        """The last update, as it is delivered once more."""
        last = OutgoingMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        answering.store([self.update])
        row = Incoming.objects.get(update_id=self.update["update_id"])
        self.call: Call | None = answering.answer(row.pk, Update.de_json(self.update, None), file)
        return list(OutgoingMessage.objects.filter(pk__gt=last).order_by("pk"))


def delivered() -> None:
    """All that waits has reached Telegram."""
    for message in OutgoingMessage.objects.exclude(state="sent"):
        number = None if message.edits_id else next(numbers)
        OutgoingMessage.objects.filter(pk=message.pk).update(state="sent", message_id=number)


def worked() -> list[OutgoingMessage]:
    """All jobs are done and told of; what was written for that."""
    delivered()
    while worker.work():
        pass
    last = OutgoingMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    telling.tell()
    told = list(OutgoingMessage.objects.filter(pk__gt=last).order_by("pk"))
    delivered()
    return told


def newest_job() -> Job:
    return Job.objects.order_by("-pk")[0]
