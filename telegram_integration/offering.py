"""Answering what people type behind the bot's name, while they type it.

Such a query changes nothing and is outdated by the next letter, and Telegram takes no answer after
ten seconds. So it is no row: one that is lost costs nothing, and nobody's typing is kept. It waits
behind none of the person's updates, and of several in a hurry only the newest is answered.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from telegram import Bot, InlineQuery
from telegram.error import BadRequest, TelegramError

from telegram_integration.handlers.inline import offer
from telegram_integration.threads import in_thread

logger = logging.getLogger(__name__)

TOO_OLD = "query is too old"


class Offering:
    """Where updates are polled for. To a webhook the answer is what it answers, see `webhooks`."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.newest: dict[int, InlineQuery] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def take(self, queries: list[InlineQuery]) -> None:
        for query in queries:
            person = query.from_user.id
            is_new = person not in self.newest
            self.newest[person] = query
            if is_new:
                task = asyncio.create_task(self._answer(person))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)

    async def finish(self) -> None:
        """What is being answered is finished, a little."""
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=2)

    async def _answer(self, person: int) -> None:
        answered = None
        while (query := self.newest[person]) is not answered:
            answered = query
            try:
                await self._say(query, await in_thread(offer, query))
            except TelegramError as error:
                logger.info("an inline query was not answered: %s", error)
            except Exception:
                logger.exception("an inline query could not be answered")
        del self.newest[person]

    async def _say(self, query: InlineQuery, said: dict[str, Any]) -> None:
        """A bot that has another token does not know the old one's pictures, and Telegram then
        refuses the whole answer."""
        try:
            await self.bot.answer_inline_query(query.id, **said)
        except BadRequest as error:
            rest = [one for one in said["results"] if one.type == "article"]
            if TOO_OLD in str(error).lower() or len(rest) == len(said["results"]):
                raise
            await self.bot.answer_inline_query(query.id, **said | {"results": rest})
