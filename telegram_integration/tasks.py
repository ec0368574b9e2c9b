"""What the clock does about people."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta as td

from celery import shared_task
from celery.signals import worker_ready
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.utils import timezone

from telegram_integration import broadcasts, clearing, logins, watching
from telegram_integration.init_data import MAX_AGE, MAX_SKEW
from telegram_integration.models import Incoming, Login, UsedInitData

INCOMING_KEPT = td(days=2)

logger = logging.getLogger(__name__)


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
def clear_outbox() -> None:
    """Forget old messages that nothing goes by any more."""
    clearing.clear(timezone.now())


@shared_task
def broadcast() -> None:
    """What staff tell many people goes on by a step."""
    broadcasts.drive(timezone.now())


@worker_ready.connect
def keep_watch(**_kwargs: object) -> None:
    threading.Thread(target=_watch, name="watch", daemon=True).start()


def _watch() -> None:
    """No task: the clock may be what is dead. The others get the time to start meanwhile."""
    time.sleep(watching.SILENT.total_seconds())
    while True:
        try:
            watching.look()
        except Exception:
            logger.warning("could not keep watch", exc_info=True)
        finally:
            connection.close()
        time.sleep(watching.EVERY.total_seconds())
