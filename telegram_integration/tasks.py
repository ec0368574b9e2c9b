"""What the clock does about people."""

from __future__ import annotations

from datetime import timedelta as td

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from telegram_integration import broadcasts, logins
from telegram_integration.init_data import MAX_AGE, MAX_SKEW
from telegram_integration.models import Incoming, Login, UsedInitData

INCOMING_KEPT = td(days=2)


@shared_task
def clear_sessions() -> None:
    """Forget ended sessions, logins, and used init data that its age alone would refuse."""
    SessionStore.clear_expired()
    UsedInitData.objects.filter(used_at__lt=timezone.now() - MAX_AGE - 2 * MAX_SKEW).delete()
    Login.objects.filter(created_at__lt=timezone.now() - logins.KEPT).delete()


@shared_task
def clear_inbox() -> None:
    """Forget updates that were answered two days ago: Telegram repeats none that old."""
    Incoming.objects.filter(
        done_at__isnull=False, received_at__lt=timezone.now() - INCOMING_KEPT
    ).delete()


@shared_task
def broadcast() -> None:
    """What staff tell many people goes on by a step."""
    broadcasts.drive(timezone.now())
