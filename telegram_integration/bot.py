"""What the bot listens to: the table of handlers, on one screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from telegram import Update

from telegram_integration import keyboards, people
from telegram_integration.calls import Call
from telegram_integration.handlers import (
    commands,
    inline,
    logins,
    photos,
    presses,
    shapes,
    shop,
    talking,
)

Handler = Callable[..., None]

COMMANDS: dict[str, Handler] = {
    "start": commands.start, "help": commands.help, "tryon": commands.tryon, "edit": commands.edit,
    "imagine": commands.imagine, "balance": commands.balance, "buy": shop.shop,
    "invite": commands.invite, "history": commands.history, "cancel": commands.cancel,
    "settings": commands.settings_, "paysupport": commands.paysupport, "terms": commands.terms,
    "privacy": commands.privacy, "deleteme": commands.deleteme,
}  # fmt: skip
PRESSES: dict[str, Handler] = {
    "new": photos.begin, "zone": photos.try_on, "pair": photos.pair, "album": photos.album,
    "again": presses.again, "vary": presses.vary, "retry": presses.retry, "stop": presses.stop,
    "edit": presses.edit, "item": presses.item, "file": presses.file, "show": presses.show,
    "ba": presses.before_and_after, "fav": presses.favourite, "del": presses.delete,
    "gone": presses.gone, "use": presses.use, "lang": commands.language, "shop": shop.shop,
    "buy": shop.shop, "pay": shop.offer, "erase": commands.erase,
    "menu": shapes.menu, "shape": shapes.change, "back": shapes.back,
    "login": logins.yes, "nologin": logins.no,
}  # fmt: skip
IN_GROUPS = frozenset({"imagine"})
CODES = frozenset({22})  # characters of a UUID in a button


def handle(call: Call) -> None:
    """Answer one update. Raises Problem for what the person should read."""
    if call.in_group and settings.TELEGRAM_GROUPS and call.chat_id not in settings.TELEGRAM_GROUPS:
        return
    if call.update.callback_query:
        _press(call)
    elif call.update.chosen_inline_result:
        inline.chosen(call)
    elif member := call.update.my_chat_member:
        if not call.in_group:
            people.membership(call.user, member.new_chat_member.status)
    elif (message := call.update.message) is None:
        return
    elif message.successful_payment:
        shop.paid(call)
    elif message.refunded_payment:
        shop.returned(call)
    elif command := _command(call):
        command(call)
    elif call.photo:
        photos.photo(call)
    elif message.text and not message.text.startswith("/"):
        talking.words(call)


def _press(call: Call) -> None:
    try:
        act, arguments = keyboards.read(call.update.callback_query.data or "")
        handler = PRESSES[act]
        given = [keyboards.long(one) if len(one) in CODES else one for one in arguments]
    except (KeyError, ValueError):
        return
    handler(call, *given)


def _command(call: Call) -> Handler | None:
    """`/imagine`, or `/imagine@our_bot`; in a group only what may be asked for there."""
    text = call.message.text or call.message.caption or ""
    if not text.startswith("/"):
        return None
    name, _at, to = text.split()[0][1:].partition("@")
    if to and to.lower() != settings.TELEGRAM_BOT_NAME.lower():
        return None
    name = name.lower()
    return COMMANDS.get(name) if not call.in_group or name in IN_GROUPS else None


def wants_file(update: Update) -> Any:
    """The photo or image file that a handler will need: none where nobody will look at it."""
    message = update.message
    if message is None or message.chat.id < 0:
        return None
    if message.photo:
        return message.photo[-1]
    document = message.document
    return document if document and (document.mime_type or "").startswith("image/") else None
