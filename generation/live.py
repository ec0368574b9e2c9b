"""Telling the pages: every change of a job goes to whoever watches it, after the commit."""

from __future__ import annotations

import logging

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.utils import translation

from generation.models import Job
from generation.serializers import job_json

logger = logging.getLogger(__name__)


def job_group(code: object) -> str:
    return f"job.{code}"


def person_group(user_id: int) -> str:
    return f"person.{user_id}"


def sessions_group(user_id: int) -> str:
    return f"sessions.{user_id}"


def end_session(user_id: int) -> None:
    """Somebody signed out or a key was revoked: sockets that lived by it close."""
    transaction.on_commit(lambda: _send(sessions_group(user_id), {"type": "session.ended"}))


def announce(job: Job) -> None:
    """Push the job's JSON to its watchers once this transaction stands.

    A lost message costs nothing but time: pages ask again by themselves.
    """
    transaction.on_commit(lambda: _push(job))


def _push(job: Job) -> None:
    with translation.override(job.owner.language):
        message = {"type": "job.changed", "job": job_json(job)}
    _send(job_group(job.code), message)
    _send(person_group(job.owner_id), message)


def _send(group: str, message: dict[str, object]) -> None:
    try:
        async_to_sync(get_channel_layer().group_send)(group, message)
    except Exception:
        logger.warning("could not tell %s", group, exc_info=True)
