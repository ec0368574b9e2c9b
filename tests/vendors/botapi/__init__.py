"""Telegram's Bot API over real HTTP, faithful where bots break.

``with BotApi() as telegram`` listens on 127.0.0.1; ``telegram.base_url`` and
``telegram.base_file_url`` go to python-telegram-bot. People act by ``telegram.say(...)`` and its
neighbours, ``telegram.messages(chat)`` is what they see, ``telegram.script(...)`` is trouble.
"""

from tests.vendors.botapi.buyers import Declined
from tests.vendors.botapi.pace import Pace, too_many
from tests.vendors.botapi.phone import Phone
from tests.vendors.botapi.seen import Seen
from tests.vendors.botapi.server import (
    FILE,
    LOST,
    SILENT,
    TOKEN,
    TROUBLE,
    BotApi,
    Call,
    error,
)
from tests.vendors.stub import HANG, HTML, RESET

__all__ = [
    "FILE", "HANG", "HTML", "LOST", "RESET", "SILENT", "TOKEN", "TROUBLE", "BotApi", "Call",
    "Declined", "Pace", "Phone", "Seen", "error", "too_many",
]  # fmt: skip
