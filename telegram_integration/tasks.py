"""What the clock does about people."""

from __future__ import annotations

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from telegram_integration.init_data import MAX_AGE, MAX_SKEW
from telegram_integration.models import UsedInitData


@shared_task
def clear_sessions() -> None:
    """Forget ended sessions, and used init data that its age alone would refuse."""
    SessionStore.clear_expired()
    UsedInitData.objects.filter(used_at__lt=timezone.now() - MAX_AGE - 2 * MAX_SKEW).delete()
