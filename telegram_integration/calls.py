"""One update being answered: who it is from, what came with it, and how to reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from telegram import Message, Update

from billing.problem import Problem
from generation import errands
from generation.asking import ASKING
from generation.models import Job, Photo
from telegram_integration import filling, saying, status
from telegram_integration.keyboards import Keyboard, button, page
from telegram_integration.models import ChatJob, OutgoingMessage, Talk, User

WAITS_FOR_MONEY = "not_enough"


@dataclass
class Call:
    """``photo`` was sent with it, and ``answer`` is shown over a button that was pressed."""

    update: Update
    user: User
    photo: Photo | None = None
    arguments: tuple[str, ...] = ()
    answer: str = ""
    said: int = 0

    @property
    def message(self) -> Message | None:
        """The person's own, or the one whose button they pressed."""
        return self.update.effective_message

    @property
    def chat_id(self) -> int:
        chat = self.update.effective_chat
        return chat.id if chat else self.user.telegram_id

    @property
    def inline_message_id(self) -> str:
        """Telegram's name of what was sent by inline mode, where this is about such a message."""
        about = self.update.chosen_inline_result or self.update.callback_query
        return (about and about.inline_message_id) or ""

    @property
    def in_group(self) -> bool:
        return self.chat_id < 0

    @property
    def words(self) -> str:
        """What the person wrote, without a command before it."""
        text = (self.message and (self.message.text or self.message.caption)) or ""
        if not text.startswith("/"):
            return text.strip()
        _command, *rest = text.split(maxsplit=1)
        return rest[0].strip() if rest else ""

    @property
    def talk(self) -> Talk:
        return Talk.objects.get_or_create(user=self.user, chat_id=self.chat_id)[0]

    def key(self) -> str:
        """Another for each thing that is said or asked for in answer to this update."""
        self.said += 1
        return f"update:{self.update.update_id}:{self.said}"

    def say(self, text: str, keyboard: Keyboard | None = None, **options: Any) -> OutgoingMessage:
        return saying.say(self.chat_id, text, key=self.key(), keyboard=keyboard,
                          reply_to=self._reply_to(), **options)  # fmt: skip

    def _reply_to(self) -> int | None:
        """In a group it is seen whom we answer; in private that is clear."""
        own = self.message and not self.update.callback_query
        return self.message.message_id if own and self.in_group else None

    def ask(self, wish: dict[str, Any]) -> None:
        """A job, in the API's own words, with a message that shows how it goes.

        What cannot be paid is kept, and goes on by itself after a top-up.
        """
        form = ASKING[wish["tool"]](data=wish)
        form.is_valid(raise_exception=True)
        key = f"chat:{self.key()}"
        try:
            job = form.ask(self.user.pk, key=key)
        except Problem as problem:
            if problem.code != WAITS_FOR_MONEY:
                raise
            self._offer_money(problem, wish)
            return
        self.watch(job)

    def watch(self, job: Job) -> None:
        """Show in this chat how the job goes, or in what was sent by inline mode."""
        if self.inline_message_id:
            filling.watch(job, self.inline_message_id)
            return
        shown = status.text(job)
        own = self.message and not self.update.callback_query
        message = saying.say(
            self.chat_id, shown, key=f"job:{job.code}:status", keyboard=status.keyboard(job),
            reply_to=self.message.message_id if own else None, job=job,
        )  # fmt: skip
        ChatJob.objects.get_or_create(
            job=job,
            defaults={"chat_id": self.chat_id, "message": message, "shown": shown,
                      "edit_at": status.first_look()},
        )  # fmt: skip

    def _offer_money(self, problem: Problem, wish: dict[str, Any]) -> None:
        errand = errands.keep(self.user.pk, wish)
        if self.inline_message_id:
            filling.await_money(errand, self.inline_message_id)
        missing = problem.data["missing"]["amount"]
        path = f"{reverse('pricing')}?errand={errand.code}&tool={wish['tool']}&missing={missing}"
        rows = [[button(_("Top up"), "buy", errand.code)]]
        self.say(str(problem.message), [*rows, page(_("Prices"), path, chat_id=self.chat_id)])
