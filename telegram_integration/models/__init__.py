"""Who you are, and what was said between you and the bot."""

from telegram_integration.models.broadcasts import Broadcast, Segment
from telegram_integration.models.inbox import Incoming, Lease
from telegram_integration.models.outbox import INLINE, Lane, OutgoingMessage
from telegram_integration.models.people import ApiKey, Login, UsedInitData, User
from telegram_integration.models.talks import ChatJob, Talk

__all__ = [
    "INLINE",
    "ApiKey",
    "Broadcast",
    "ChatJob",
    "Incoming",
    "Lane",
    "Lease",
    "Login",
    "OutgoingMessage",
    "Segment",
    "Talk",
    "UsedInitData",
    "User",
]
