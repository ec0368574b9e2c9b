"""Answering updates: stored first, each person's in order, people side by side.

An answer is one transaction: what it changes, what it says and that it was given stand together or
not at all, so a redelivered update does nothing and a crash in the middle loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from telegram import Bot, Update
from telegram.error import BadRequest, NetworkError, TelegramError

from billing import payments, tracing
from billing.problem import Problem
from generation import photos
from generation.models import Photo
from generation.problems import refused
from telegram_integration import bot as table
from telegram_integration import door, people, saying
from telegram_integration.calls import Call
from telegram_integration.models import Incoming, User
from telegram_integration.threads import in_thread

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
PRESSED_SECONDS = 0.7
AT_ONCE = 500
MOST_TRIES = 3


def store(updates: list[dict[str, Any]]) -> list[Incoming]:
    """Keep them, each once; those that nobody has answered yet come back."""
    rows = [Incoming(update_id=one["update_id"], telegram_id=whose(one), data=one)
            for one in updates]  # fmt: skip
    Incoming.objects.bulk_create(rows, ignore_conflicts=True)
    return unanswered(update_id__in=[row.update_id for row in rows])


def unanswered(**which: Any) -> list[Incoming]:
    return list(Incoming.objects.filter(done_at=None, **which).order_by("update_id")[:AT_ONCE])


def whose(update: dict[str, Any]) -> int:
    """The person's Telegram id. A question before a payment has a line of its own, below zero:
    Telegram waits ten seconds for its answer, whatever else this person has asked."""
    for kind, what in update.items():
        if isinstance(what, dict) and (sender := what.get("from") or what.get("user")):
            return -sender["id"] if kind == "pre_checkout_query" else sender["id"]
    return 0


class Answering:
    """Takes rows and answers them. ``run`` also looks for rows that others have stored."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.lines: dict[int, deque[Incoming]] = {}
        self.known: set[int] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    def take(self, rows: list[Incoming]) -> None:
        for row in rows:
            if row.update_id in self.known:
                continue
            self.known.add(row.update_id)
            line = self.lines.setdefault(row.telegram_id, deque())
            line.append(row)
            if len(line) == 1:
                self._begin(row.telegram_id)

    def _begin(self, telegram_id: int) -> None:
        task = asyncio.create_task(self._one_after_the_other(telegram_id))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def run(self) -> None:
        while True:
            try:
                self.take(await in_thread(unanswered))
            except Exception:
                logger.warning("could not look for updates", exc_info=True)
            await asyncio.sleep(LOOK_SECONDS)

    async def finish(self) -> None:
        """What is being answered is finished; what waits is answered after the next start."""
        for line in self.lines.values():
            while len(line) > 1:
                line.pop()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=15)

    async def _one_after_the_other(self, telegram_id: int) -> None:
        line = self.lines[telegram_id]
        while line:
            row = line[0]
            with tracing.about(update=row.update_id):
                await self._answer_or_leave(row)
            line.popleft()
            self.known.discard(row.update_id)
        del self.lines[telegram_id]

    async def _answer_or_leave(self, row: Incoming) -> None:
        try:
            await self._answer(row)
        except Exception:  # the database is away: a later look finds the row again
            logger.exception("update %s is left for later", row.update_id)

    async def _answer(self, row: Incoming) -> None:
        try:
            update = Update.de_json(row.data, self.bot)
            if update.pre_checkout_query:
                await self._may_pay(row, update)
                return
            file = await self._file(update)
            working = asyncio.ensure_future(in_thread(answer, row.pk, update, file))
            if update.callback_query:
                await self._close(update, working)
            await working
        except NetworkError as error:
            if isinstance(error, BadRequest):  # only for the library; it never gets better
                await self._give_up(row, error)
                return
            logger.info("update %s has to wait: %s", row.update_id, type(error).__name__)
        except Exception as error:
            await self._give_up(row, error)

    async def _give_up(self, row: Incoming, error: Exception) -> None:
        logger.error("update %s could not be answered", row.update_id, exc_info=error)
        await in_thread(give_up, row, type(error).__name__)

    async def _file(self, update: Update) -> bytes | Problem | None:
        wanted = table.wants_file(update)
        if wanted is None:
            return None
        if (wanted.file_size or 0) > settings.PHOTO_MAX_BYTES:
            return refused("photo_too_large", status=413)
        try:
            data = await door.download(self.bot, wanted.file_id, settings.PHOTO_MAX_BYTES)
        except BadRequest:  # larger than Telegram lets a bot have, or gone
            data = None
        return refused("photo_too_large", status=413) if data is None else data

    async def _may_pay(self, row: Incoming, update: Update) -> None:
        """Too late for Telegram is no trouble: nothing was paid, and they may press once more."""
        asked = update.pre_checkout_query
        why = await in_thread(may_pay, asked)
        try:
            await self.bot.answer_pre_checkout_query(
                asked.id, ok=why is None, error_message=str(why.message) if why else None
            )
        except BadRequest as error:
            logger.info("nobody waits for %s any more: %s", row.update_id, error)
        await in_thread(done, row.pk)

    async def _close(self, update: Update, working: asyncio.Future[Call | None]) -> None:
        """The button stops turning within a second; what is known only later is said in the chat.

        Too late for Telegram is no trouble.
        """
        await asyncio.wait({working}, timeout=PRESSED_SECONDS)
        in_time = working.done() and not working.exception()
        call = working.result() if in_time else None
        try:
            await self.bot.answer_callback_query(
                update.callback_query.id, text=call.answer if call else None
            )
        except TelegramError as error:
            logger.info("a press could not be answered: %s", type(error).__name__)
        if not in_time and (call := await working) and call.answer:
            await in_thread(call.say, call.answer)


# ── in a thread, with the database ────────────────────────────────────────────────────────────


def answer(pk: int, update: Update, file: bytes | Problem | None) -> Call | None:
    """Everything that follows from one update, in one transaction. None: it was answered before."""
    user = people.of_update(update)
    if user is None or not user.is_active:
        done(pk)
        return None
    with tracing.about(person_id=user.pk), translation.override(user.language):
        sent = _taken_in(user, file)
        with transaction.atomic():
            if not _claimed(pk):
                return None
            call = Call(update, user)
            _handle(call, sent)
    return call


def _taken_in(user: User, file: bytes | Problem | None) -> Photo | Problem | None:
    """Before the transaction, for it takes long: the same file is the same photo."""
    if not isinstance(file, bytes):
        return file
    try:
        return photos.ingest(user.pk, file)
    except Problem as problem:
        return problem


def _handle(call: Call, sent: Photo | Problem | None) -> None:
    try:
        if isinstance(sent, Problem):
            raise sent
        call.photo = sent
        with transaction.atomic():
            table.handle(call)
    except Problem as problem:
        _say_why(call, str(problem.message))
    except ValidationError:
        _say_why(call, _("That is too long, or something is missing. Please try once more."))


def _say_why(call: Call, why: str) -> None:
    """Over the button that was pressed, or as a message."""
    if call.update.callback_query:
        call.answer = why[:200]
    else:
        call.say(why)


def _claimed(pk: int) -> bool:
    """Marked first and locked by that: whoever else holds this update finds it done."""
    open_row = Incoming.objects.filter(pk=pk, done_at=None)
    return bool(open_row.update(done_at=timezone.now(), tries=F("tries") + 1))


def done(pk: int) -> None:
    Incoming.objects.filter(pk=pk, done_at=None).update(done_at=timezone.now())


@transaction.atomic
def give_up(row: Incoming, trouble: str) -> None:
    """It is tried again at a later look, and not for ever: then the person is told."""
    row.tries += 1
    changes: dict[str, Any] = {"tries": row.tries, "trouble": trouble[:200]}
    if row.tries >= MOST_TRIES:
        changes["done_at"] = timezone.now()
    given_up = Incoming.objects.filter(pk=row.pk, done_at=None).update(**changes)
    if given_up and row.tries >= MOST_TRIES:
        _apologise(row)


def _apologise(row: Incoming) -> None:
    """To whoever writes to us in private; in a group nobody asked for our troubles."""
    user = User.objects.filter(telegram_id=row.telegram_id, chat_since__isnull=False).first()
    if user is None or row.telegram_id not in _chats_in(row.data):
        return
    with translation.override(user.language):
        text = _("Something went wrong here, and we know. Nothing was charged. Please try again.")
        saying.say(row.telegram_id, text, key=f"update:{row.update_id}:trouble")


def _chats_in(update: dict[str, Any]) -> set[int]:
    """Where it happened, read without the library: that one may be what fails."""
    told = [what.get("message", what) for what in update.values() if isinstance(what, dict)]
    chats = [what.get("chat") for what in told if isinstance(what, dict)]
    return {chat.get("id") for chat in chats if isinstance(chat, dict)}


def may_pay(asked: Any) -> Problem | None:
    """From the database alone."""
    user = User.objects.filter(telegram_id=asked.from_user.id).first()
    with translation.override(user.language if user else "en"):
        why = payments.may_pay(
            asked.invoice_payload, asked.total_amount, asked.currency, asked.from_user.id
        )
        if why:
            why.message = str(why.message)
    return why
