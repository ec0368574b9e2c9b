"""How this app is called where staff read its name."""

from __future__ import annotations

from django.apps import AppConfig


class TelegramConfig(AppConfig):
    name = "telegram_integration"
    verbose_name = "Telegram"
