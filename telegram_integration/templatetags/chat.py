"""What the chat with the bot can do for a page."""

from __future__ import annotations

from django import template
from django.conf import settings

from generation.models import Photo
from telegram_integration import hand_over
from telegram_integration.models import User

register = template.Library()


@register.simple_tag
def chat_is_open(user: User) -> bool:
    """Whether the bot may write to whoever looks at the page."""
    return hand_over.is_open(user)


@register.simple_tag
def in_chat(photo: Photo) -> bool:
    """Whether the picture was sent there, so that it can be shared."""
    return hand_over.was_sent(photo)


@register.simple_tag
def has_stories() -> bool:
    return settings.HTTPS
