"""Stopping an order at its vendor, after its job has ended here. Nobody waits for that."""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction

from generation import routing
from generation.models import Job, State

logger = logging.getLogger(__name__)

STOP_SECONDS = 600
"""An order that runs longer than this has ended by itself."""


def is_possible(job: Job) -> bool:
    """Whether the job's provider can stop an order that it has taken."""
    return hasattr(routing.made(routing.setting_of(job.provider)), "cancel")


def ring(job: Job, ref: str = "") -> None:
    """Have the vendor asked, once this transaction stands. ``ref``: an order that no row knows."""
    if (ref := ref or job.provider_ref) and is_possible(job):
        transaction.on_commit(lambda: _ring(str(job.code), ref))


def _ring(code: str, ref: str) -> None:
    try:
        current_app.send_task("generation.tasks.stop", args=[code, ref], expires=STOP_SECONDS)
    except Exception:
        logger.warning("the order of job %s goes on at its vendor", code, exc_info=True)


def stop(code: str, ref: str) -> None:
    """Ask the vendor. Done twice, or after the end, it does nothing; a job that goes on is left."""
    try:
        job = Job.objects.get(code=code, state__in=(State.CANCELLED, State.FAILED))
        routing.made(routing.setting_of(job.provider)).cancel(ref)
    except Exception:
        logger.warning("the order of job %s could not be stopped", code, exc_info=True)
