"""While a picture is drawn its chat shows so, where there is time for it.

Telegram forgets it after five seconds. It is no row, for nobody misses it: everything else goes
first, and what goes wrong is forgotten.
"""

from __future__ import annotations

import logging
import time

from telegram import Bot
from telegram.constants import ChatAction
from telegram.error import RetryAfter, TelegramError

from generation.models import BUSY, Tool
from telegram_integration import refusals
from telegram_integration.models import INLINE, ChatJob
from telegram_integration.pace import Pace
from telegram_integration.threads import in_thread

logger = logging.getLogger(__name__)

EVERY, EVERY_IN_GROUPS = 5.0, 15.0
SPARE = 0.6  # of what a chat and all of them may get


def drawn() -> list[tuple[int, str]]:
    """Chats that wait for something that is being made, and for what."""
    shown = ChatJob.objects.filter(edit_at__isnull=False, chat_id__gt=INLINE, job__state__in=BUSY)
    return list(shown.order_by("edit_at").values_list("chat_id", "job__tool"))


class Drawing:
    def __init__(self, bot: Bot, pace: Pace) -> None:
        self.bot, self.pace = bot, pace
        self.shown_at: dict[int, float] = {}

    async def show(self) -> None:
        now = time.monotonic()
        self.shown_at = {
            chat: at for chat, at in self.shown_at.items() if now - at < EVERY_IN_GROUPS
        }
        for chat_id, tool in await in_thread(drawn):
            if self._may_be_shown(chat_id, time.monotonic()):
                await self._show(chat_id, tool)

    def _may_be_shown(self, chat_id: int, now: float) -> bool:
        every = EVERY if chat_id > 0 else EVERY_IN_GROUPS
        if now - self.shown_at.get(chat_id, float("-inf")) < every:
            return False
        busy = max(self.pace.wait_for_all(now), self.pace.second.wait(now, SPARE))
        return max(busy, self.pace.wait(chat_id, now, SPARE)) <= 0

    async def _show(self, chat_id: int, tool: str) -> None:
        now = time.monotonic()
        slot = self.pace.take(now)
        self.shown_at[chat_id] = now
        action = ChatAction.TYPING if tool == Tool.ASSISTANT else ChatAction.UPLOAD_PHOTO
        try:
            await self.bot.send_chat_action(chat_id, action)
        except RetryAfter as error:
            self.pace.told_to_wait(chat_id, refusals.pause(error), time.monotonic())
        except TelegramError as error:
            logger.debug("no action was shown: %s", type(error).__name__)
        finally:
            self.pace.landed(slot, chat_id, time.monotonic())
