"""One poller for a bot: two would take each other's updates."""

from __future__ import annotations

import os
import socket
from datetime import timedelta as td

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from generation.models import Heartbeat
from telegram_integration.models import Lease

LEASE = td(seconds=15)
EXTEND_SECONDS = 4
HEARTBEAT = "bot"


def name() -> str:
    """By the bot's id, the part of the token that is no secret."""
    return f"bot:{settings.TELEGRAM_BOT_TOKEN.partition(':')[0]}"


def holder() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def take() -> bool:
    """Whether it is ours now: nobody else has it, they have been silent for too long, or they were
    a process of this machine that is no more."""
    until = timezone.now() + LEASE
    lease = Lease.objects.filter(name=name())
    gone = [one.holder for one in lease if _is_dead(one.holder)]
    free = lease.filter(Q(holder__in=[holder(), *gone]) | Q(until__lt=timezone.now()))
    if free.update(holder=holder(), until=until):
        return True
    try:
        with transaction.atomic():
            Lease.objects.create(name=name(), holder=holder(), until=until)
    except IntegrityError:
        return False
    return True


def _is_dead(name: str) -> bool:
    host, _colon, pid = name.rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, ValueError):
        return False
    return False


def extend() -> bool:
    """Whether it is still ours; then for another while, and the bot has a heartbeat."""
    mine = Lease.objects.filter(name=name(), holder=holder())
    if not mine.update(until=timezone.now() + LEASE):
        return False
    Heartbeat.objects.update_or_create(name=HEARTBEAT, defaults={"beat_at": timezone.now()})
    return True


def give_back() -> None:
    Lease.objects.filter(name=name(), holder=holder()).update(until=timezone.now())
