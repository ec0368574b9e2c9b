"""The floor for updates: python-telegram-bot alone, one handler, one read of the database.

Updates side by side and connections enough. Run: ``python -m tests.bench.bare_bot``.
"""

from __future__ import annotations

import os

import django
from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters

AT_ONCE = 64


async def answer(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    from telegram_integration.models import User

    user = await User.objects.aget(telegram_id=update.effective_user.id)
    await update.message.reply_text(f"You are {user.first_name}.")


def main() -> None:
    root = os.environ["BOT_API_URL"]
    made = Application.builder().token(os.environ["TELEGRAM_BOT_TOKEN"]).base_url(f"{root}/bot")
    bot = made.concurrent_updates(AT_ONCE).connection_pool_size(AT_ONCE).build()
    bot.add_handler(MessageHandler(filters.TEXT, answer))
    bot.run_polling()


if __name__ == "__main__":
    django.setup()
    main()
