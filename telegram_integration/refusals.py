"""What becomes of a message that Telegram did not take: which word of it means what."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import ModuleType
from typing import Any

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from telegram_integration import door, outbox, status
from telegram_integration.models import OutgoingMessage

logger = logging.getLogger(__name__)

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
AFTER_A_PAUSE = 0.5  # seconds more than Telegram asked for, since clocks differ
LONGEST_PAUSE = 300.0
NOT_HEARD = "Telegram could not be reached"
DONE_ALREADY = ("message is not modified", "message to delete not found")
GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")
TOO_LARGE = "request entity too large"
TOO_OLD = ("message can't be deleted",)
NOBODY_THERE = ("chat not found", "user not found", "peer_id_invalid")


def book(row: OutgoingMessage) -> ModuleType:
    """Who keeps it: the outbox, or the status of a job where it is a change that is never saved."""
    return status if row.pk < 0 else outbox


def note(row: OutgoingMessage, error: TelegramError) -> None:
    """Write down what follows from Telegram's word about this message."""
    if not door.is_from_telegram(error):
        _nobody_knows(row, error)
        return
    for kind, act in MEANINGS:
        if isinstance(error, kind):
            act(row, error)
            return
    logger.error("Telegram does not serve us: %s", error)
    book(row).later(row, LONGEST_PAUSE, str(error))


def is_unheard(error: TelegramError) -> bool:
    """Telegram has not said what it did: it may be asked again."""
    no_word = isinstance(error, NetworkError) and not isinstance(error, BadRequest)
    return no_word or not door.is_from_telegram(error)


def pause(error: RetryAfter) -> float:
    """Seconds for which Telegram wants silence."""
    return float(error.retry_after) + AFTER_A_PAUSE


def _told_to_wait(row: OutgoingMessage, error: RetryAfter) -> None:
    book(row).later(row, pause(error), trouble=outbox.TOLD_TO_WAIT)


def _shut(row: OutgoingMessage, _error: InvalidToken) -> None:
    """Nothing is lost until there is a token again."""
    book(row).later(row, AFTER_A_PAUSE)


def _nobody_knows(row: OutgoingMessage, error: TelegramError) -> None:
    if door.is_from_telegram(error) and TOO_LARGE in str(error).lower():
        book(row).failed(row, str(error))
    elif isinstance(error.__cause__, NOT_SENT):
        book(row).later(row, backoff(row), NOT_HEARD)
    else:
        book(row).in_doubt(row, backoff(row))


def backoff(row: OutgoingMessage) -> float:
    return 2.0 ** min(row.tries + 1, 8)


def _refused(row: OutgoingMessage, error: BadRequest) -> None:
    said = str(error).lower()
    if _any(DONE_ALREADY, said):
        book(row).sent(row, None)
    elif row.edits_id and not row.is_inline and _any(GONE, said):
        book(row).gone(row)
    elif _any(TOO_OLD, said):
        outbox.leave_without_buttons(row)
    else:
        logger.warning("%s to a chat was refused: %s", row.method, error)
        book(row).failed(row, str(error))
        if _any(NOBODY_THERE, said):
            outbox.blocked(row.chat_id)


def _any(words: tuple[str, ...], said: str) -> bool:
    return any(one in said for one in words)


def _blocked(row: OutgoingMessage, error: Forbidden) -> None:
    book(row).failed(row, str(error))
    outbox.blocked(row.chat_id)


def _moved(row: OutgoingMessage, error: ChatMigrated) -> None:
    book(row).later(row, 0.0)
    outbox.moved(row.chat_id, error.new_chat_id)


# The first that fits. BadRequest is a NetworkError for the library.
MEANINGS: tuple[tuple[type[TelegramError], Callable[[OutgoingMessage, Any], None]], ...] = (
    (RetryAfter, _told_to_wait),
    (Forbidden, _blocked),
    (ChatMigrated, _moved),
    (InvalidToken, _shut),
    (BadRequest, _refused),
    (NetworkError, _nobody_knows),
)
