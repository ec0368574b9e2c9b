"""The bot's process: listen, answer, deliver, until somebody ends it.

Whether updates are polled for or come to our address (`TELEGRAM_MODE`), they are rows first, and
the same code answers them here.
"""

from __future__ import annotations

import asyncio
import logging
import time

from django.conf import settings
from telegram import Bot
from telegram.error import Conflict, RetryAfter, TelegramError

from telegram_integration import door, leases, profile, watching
from telegram_integration.answering import Answering, store
from telegram_integration.delivery import Delivery
from telegram_integration.offering import Offering
from telegram_integration.threads import in_thread

logger = logging.getLogger(__name__)

LISTENED_TO = [
    "message",
    "callback_query",
    "pre_checkout_query",
    "inline_query",
    "chosen_inline_result",
    "my_chat_member",
]
LONGEST_PAUSE = 30.0


class AlreadyRuns(Exception):
    """Another process serves this bot."""


async def run(stop: asyncio.Event) -> None:
    """Until ``stop``. Raises AlreadyRuns, or InvalidToken where Telegram knows no such bot."""
    await _wait_for_the_lease(stop)
    if stop.is_set():
        return
    bot = door.make()
    try:
        await _until_reachable(bot, stop)
        if not stop.is_set():
            await _serve(bot, stop)
    finally:
        await in_thread(leases.give_back)
        await bot.shutdown()


async def _wait_for_the_lease(stop: asyncio.Event) -> None:
    """As long as a dead holder's lease lasts; one that lives renews it meanwhile."""
    end = time.monotonic() + leases.LEASE.total_seconds() + 1
    while not await in_thread(leases.take):
        if time.monotonic() > end:
            raise AlreadyRuns
        if await _stopped(stop, 0.5):
            return


async def _until_reachable(bot: Bot, stop: asyncio.Event) -> None:
    """A container may start before its network does."""
    pause = 1.0
    while not stop.is_set():
        try:
            await bot.initialize()
            await profile.publish(bot)
            return
        except TelegramError as error:
            if door.is_shut(error):
                raise
            logger.warning("Telegram cannot be reached yet: %s", type(error).__name__)
            await in_thread(leases.extend)
            await _stopped(stop, pause)
            pause = min(pause * 2, LONGEST_PAUSE / 3)


async def _serve(bot: Bot, stop: asyncio.Event) -> None:
    """Raises what ended one of its jobs: InvalidToken where the token was revoked."""
    answering, delivery, offering = Answering(bot), Delivery(bot), Offering(bot)
    jobs = [answering.run(), delivery.run(), _keep_the_lease(stop), _keep_watch(), stop.wait()]
    if settings.TELEGRAM_MODE == "polling":
        jobs.append(_poll(bot, answering, offering))
    tasks = [asyncio.create_task(job) for job in jobs]
    ended, _going = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await offering.finish()
    await answering.finish()
    await delivery.finish()
    for task in ended:
        task.result()


async def _keep_the_lease(stop: asyncio.Event) -> None:
    while True:
        try:
            if not await in_thread(leases.extend):
                logger.error("another process serves this bot now")
                stop.set()
        except Exception:
            logger.warning("the lease could not be extended", exc_info=True)
        await asyncio.sleep(leases.EXTEND_SECONDS)


async def _keep_watch() -> None:
    """The workers may be dead, which only we can tell then."""
    await asyncio.sleep(watching.SILENT.total_seconds())
    while True:
        try:
            await in_thread(watching.look)
        except Exception:
            logger.warning("could not keep watch", exc_info=True)
        await asyncio.sleep(watching.EVERY.total_seconds())


async def _poll(bot: Bot, answering: Answering, offering: Offering) -> None:
    """Telegram forgets an update once the next ones are asked for: so it is stored before.

    But for what people only type, see `offering`.
    """
    offset, pause = 0, 1.0
    while True:
        try:
            updates = await bot.get_updates(
                offset=offset, timeout=door.POLL_SECONDS, allowed_updates=LISTENED_TO
            )
            if updates:
                offering.take([one.inline_query for one in updates if one.inline_query])
                kept = [one.to_dict() for one in updates if not one.inline_query]
                rows = await in_thread(store, kept)
                offset = updates[-1].update_id + 1
                answering.take(rows)
            pause = 1.0
        except Conflict:
            logger.error("somebody else asks for this bot's updates, or a webhook is set")
            await asyncio.sleep(5)
        except TelegramError as error:
            if door.is_shut(error):
                raise
            wait = float(error.retry_after) if isinstance(error, RetryAfter) else pause
            logger.warning("no updates: %s", type(error).__name__)
            await asyncio.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE)
        except Exception:
            logger.exception("updates could not be stored")
            await asyncio.sleep(pause)


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
