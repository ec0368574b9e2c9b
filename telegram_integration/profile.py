"""What Telegram shows of the bot: commands, menu button, descriptions, in each language."""

from __future__ import annotations

import logging

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from telegram import Bot, BotCommand, MenuButtonCommands, MenuButtonWebApp, WebAppInfo
from telegram.error import BadRequest, RetryAfter

from telegram_integration import webhooks

logger = logging.getLogger(__name__)

COMMANDS = {
    "tryon": gettext_lazy("Try something on"),
    "edit": gettext_lazy("Change a photo"),
    "imagine": gettext_lazy("A picture from words"),
    "balance": gettext_lazy("What you have"),
    "buy": gettext_lazy("Top up"),
    "history": gettext_lazy("Your last pictures"),
    "invite": gettext_lazy("Invite a friend"),
    "cancel": gettext_lazy("Stop what goes on"),
    "settings": gettext_lazy("Language"),
    "help": gettext_lazy("What I can do"),
}


async def publish(bot: Bot) -> None:
    """At every start. Telegram's limits on these calls are strict, so a refusal is no reason not
    to serve."""
    if settings.TELEGRAM_MODE == "webhook":
        await webhooks.register(bot)
    else:
        await bot.delete_webhook()
    if not bot.bot.supports_inline_queries:
        logger.warning("inline mode is off: send /setinline and /setinlinefeedback to @BotFather")
    try:
        for code, _name in settings.LANGUAGES:
            await _publish_in(bot, code)
        await bot.set_chat_menu_button(menu_button=_menu_button())
    except (BadRequest, RetryAfter) as error:
        logger.warning("the bot's profile could not be published: %s", error)


async def _publish_in(bot: Bot, code: str) -> None:
    """English also for whoever has a language that we do not speak."""
    language = "" if code == "en" else code
    with translation.override(code):
        commands = [BotCommand(name, str(about)) for name, about in COMMANDS.items()]
        about, short = _long(), _short()
    await bot.set_my_commands(commands, language_code=language)
    await bot.set_my_description(about, language_code=language)
    await bot.set_my_short_description(short, language_code=language)


def _long() -> str:
    about = _(
        "A picture studio. Send a photo of yourself and of something to wear, and see it on you; "
        "change photos by words; make pictures from words alone."
    )
    elsewhere = _("In any other chat, write my name and what you would like to see.")
    return f"{about} {elsewhere}"


def _short() -> str:
    return _("Try clothes on, change photos, make pictures from words.")


def _menu_button() -> MenuButtonCommands | MenuButtonWebApp:
    """Opens the studio, where Telegram can: Mini Apps are https only."""
    if not settings.HTTPS:
        return MenuButtonCommands()
    return MenuButtonWebApp(_("Studio"), WebAppInfo(settings.SITE_URL + "/"))
