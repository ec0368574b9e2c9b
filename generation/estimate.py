"""How long it will take: learned from the last jobs of the same kind, never promised."""

from __future__ import annotations

import math
import statistics
from datetime import timedelta as td

from django.core.cache import cache
from django.db.models import Q, Sum
from django.utils import timezone

from generation.models import Heartbeat, Job, State
from generation.providers import OWN_MACHINE

FIRST_GUESS_SECONDS = 5.0
RECENT_JOBS = 20
REMEMBERED_SECONDS = 15
WORKER_SILENT = td(seconds=30)


def position(job: Job) -> int | None:
    """1 for the next in line; None once it has begun.

    Whoever works on this machine stands in one line, whoever waits for others in another.
    """
    if job.state != State.QUEUED:
        return None
    ahead = Q(turn__lt=job.turn) | Q(turn=job.turn, pk__lt=job.pk)
    here = Q(provider__in=OWN_MACHINE)
    same_line = here if job.provider in OWN_MACHINE else ~here
    return Job.objects.filter(ahead, same_line, state=State.QUEUED).count() + 1


def eta_seconds(job: Job, place: int | None) -> int | None:
    """Seconds until the picture, at least 1; None when there is nothing to wait for."""
    if not job.is_open:
        return None
    typical = typical_seconds(job.tool, job.provider)
    if place is not None:
        return max(1, math.ceil(typical * (1 + (place - 1) / slots(job.provider))))
    since = (timezone.now() - (job.started_at or job.created_at)).total_seconds()
    return max(1, math.ceil(typical - since))


def typical_seconds(tool: str, provider: str) -> float:
    """Median time of the last finished jobs of this tool with this provider."""
    key = f"typical:{tool}:{provider}"
    if (known := cache.get(key)) is not None:
        return known
    recent = Job.objects.filter(state=State.DONE, tool=tool, provider=provider).order_by(
        "-finished_at"
    )
    spans = recent.values_list("started_at", "finished_at")[:RECENT_JOBS]
    seconds = [(end - start).total_seconds() for start, end in spans if start]
    learned = statistics.median(seconds) if seconds else FIRST_GUESS_SECONDS
    cache.set(key, learned, REMEMBERED_SECONDS)
    return learned


def slots(provider: str) -> int:
    """Jobs of this provider that all living workers do at once, at least 1."""
    kind = "worker" if provider in OWN_MACHINE else "outside"
    if (known := cache.get(f"slots:{kind}")) is not None:
        return known
    alive = Heartbeat.objects.filter(
        name__startswith=f"{kind}:", beat_at__gt=timezone.now() - WORKER_SILENT
    )
    number = alive.aggregate(total=Sum("slots", default=0))["total"]
    # A process keeps half of its room outside for other providers, see slots.py.
    number = max(1, number if kind == "worker" else number // 2)
    cache.set(f"slots:{kind}", number, REMEMBERED_SECONDS)
    return number
