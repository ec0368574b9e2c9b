"""How a job ends. Its state and its money change in one transaction or not at all.

Lock order: the job's row, then the account. Each ending says which claim it believes in, so only
one of two that race succeeds; the ledger's key stands guard behind it.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from billing import ledger, referrals
from generation import live, stopping
from generation.models import OPEN, Job, Message, Photo, State
from generation.providers.base import Answer, ProviderError


class Lost(Exception):
    """The job is no longer ours: cancelled, expired, or taken over. Write nothing."""


def succeed(job: Job, made: list[Photo], *, model: str, cost: Decimal) -> None:
    """The pictures are stored: show them."""
    with transaction.atomic():
        _end(job, State.DONE, (State.RUNNING,), model=model, cost=cost, percent=100, stage="")
        Photo.objects.bulk_create(made)
        referrals.first_picture(job.owner_id)
        live.announce(job)


def answer(job: Job, said: Answer, *, model: str, cost: Decimal) -> None:
    """The assistant has spoken. A makeshift answer is the person's for nothing."""
    with transaction.atomic():
        _end(job, State.DONE, (State.RUNNING,), model=model, cost=cost, percent=100, stage="")
        asked = job.messages.get(role=Message.Role.PERSON)
        Message.objects.create(
            chat_id=asked.chat_id, photo_id=asked.photo_id, job=job, role=Message.Role.ASSISTANT,
            text=said.text, prompts=[{"kind": kind, "text": text} for kind, text in said.prompts],
            free=said.makeshift, tokens_in=said.tokens_in, tokens_out=said.tokens_out,
        )  # fmt: skip
        if said.makeshift:
            _give_back(job, reason="makeshift")
        live.announce(job)


def fail(job: Job, error: ProviderError, expected: tuple[State, ...] = (State.RUNNING,)) -> None:
    """No picture: give everything back."""
    with transaction.atomic():
        _end(
            job,
            State.FAILED,
            expected,
            error_code=error.code,
            error_data=error.data,
            error_detail=error.detail[:2000],
        )
        _give_back(job, reason="failed")
        live.announce(job)


def cancel(job: Job) -> None:
    """The person changed their mind before a picture was there: give everything back.

    Only as the job was last seen: since then an order may have been placed that nobody can stop.
    """
    can_end = job.is_open and (not job.provider_ref or stopping.is_possible(job))
    with transaction.atomic():
        _end(job, State.CANCELLED, (State(job.state),) if can_end else ())
        _give_back(job, reason="cancelled")
        stopping.ring(job)
        live.announce(job)


def expire(job: Job) -> None:
    """Past its deadline, wherever it stands. What was ordered is wanted by nobody any more."""
    with transaction.atomic():
        fail(job, ProviderError("expired"), expected=OPEN)
        stopping.ring(job)


def _end(job: Job, state: State, expected: tuple[State, ...], **changes: object) -> None:
    ended = job.move(
        expected,
        state=state,
        finished_at=timezone.now(),
        slot=None,
        lease_until=None,
        next_check_at=None,
        **changes,
    )
    if not ended:
        raise Lost


def _give_back(job: Job, *, reason: str) -> None:
    ledger.refund(job.owner_id, job.charge_key, key=job.refund_key, reason=f"{job.tool} {reason}")
