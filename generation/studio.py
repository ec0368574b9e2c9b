"""What a person can ask for: try on, edit, imagine, the assistant, cancel, retry.

Asking is one transaction: the account is locked, limits are checked, the job is written and paid.
What cannot be done is said before that, so nothing is ever charged for it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta as td

from django.conf import settings
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from billing import ledger
from billing.catalogue import price_of
from billing.models import Account, Kind
from generation import assistant, ending, fitting, live, photos, queue, routing
from generation.models import OPEN, Aspect, Input, Job, Photo, State, Tool
from generation.problems import refused
from generation.providers.base import Box, Order, ProviderError

MAX_SEED = 2**31


@dataclass(frozen=True)
class Wish:
    """What somebody asks for, with their own photos in it."""

    tool: Tool
    inputs: tuple[tuple[str, Photo], ...] = ()
    prompt: str = ""
    zone: str = ""
    box: Box | None = None
    aspect: str = Aspect.AUTO
    count: int = 1
    seed: int | None = None

    @property
    def digest(self) -> str:
        """The same for the same wish: what an idempotency key stands for."""
        inputs = [(role, str(photo.code)) for role, photo in self.inputs]
        rest = (self.tool, self.prompt, self.zone, self.box, self.aspect, self.count, self.seed)
        return hashlib.sha256(json.dumps([inputs, rest]).encode()).hexdigest()


def try_on(
    user_id: int,
    *,
    person: Photo,
    item: Photo,
    zone: str,
    box: Box | None = None,
    seed: int | None = None,
    key: str | None = None,
) -> Job:
    """See the item on the person. ``box`` says where, when the studio cannot tell by itself."""
    inputs = ((Input.Role.PERSON, person), (Input.Role.ITEM, item))
    wish = Wish(Tool.TRYON, inputs, zone=zone, box=box, seed=seed)
    return _ask(user_id, wish, key)


def edit(
    user_id: int,
    *,
    base: Photo,
    prompt: str,
    references: tuple[Photo, ...] = (),
    aspect: str = Aspect.AUTO,
    seed: int | None = None,
    key: str | None = None,
) -> Job:
    """Change a photo or an earlier result by words."""
    inputs = ((Input.Role.BASE, base), *((Input.Role.REFERENCE, photo) for photo in references))
    return _ask(user_id, Wish(Tool.EDIT, inputs, prompt=prompt, aspect=aspect, seed=seed), key)


def imagine(
    user_id: int,
    *,
    prompt: str,
    aspect: str = Aspect.AUTO,
    count: int = 1,
    seed: int | None = None,
    key: str | None = None,
) -> Job:
    """Make pictures from words."""
    wish = Wish(Tool.IMAGINE, prompt=prompt, aspect=aspect, count=count, seed=seed)
    return _ask(user_id, wish, key)


def converse(user_id: int, *, photo: Photo, message: str, key: str | None = None) -> Job:
    """Ask the assistant what could be done with a picture. One turn at a time for each person."""
    wish = Wish(Tool.ASSISTANT, ((Input.Role.BASE, photo),), prompt=message)
    return _ask(user_id, wish, key)


def cancel(job: Job) -> None:
    """Stop it and give everything back, unless a picture is there, or an order nobody can stop."""
    try:
        ending.cancel(job)
    except ending.Lost:
        raise refused("too_late", status=409) from None


def retry(job: Job, *, key: str | None = None) -> Job:
    """The same wish once more, at today's price. Pressed twice, it is one job."""
    if job.state not in (State.FAILED, State.CANCELLED):
        raise refused("not_failed", status=409)
    if job.words_are_gone:
        raise refused("words_gone", status=409)
    wish = wish_of(job)
    if any(photo.deleted_at for _role, photo in wish.inputs):
        raise refused("photo_gone", status=409)
    return _ask(job.owner_id, wish, key or f"retry:{job.code}")


def wish_of(job: Job) -> Wish:
    """What the job was asked for."""
    inputs = tuple((i.role, i.photo) for i in job.inputs.select_related("photo"))
    box = tuple(job.box) if job.box else None
    return Wish(Tool(job.tool), inputs, job.prompt, job.zone, box, job.aspect, job.count, job.seed)


def _ask(user_id: int, wish: Wish, key: str | None) -> Job:
    if earlier := _asked_before(user_id, wish, key):
        return earlier
    _examine(wish)
    with transaction.atomic():
        account = ledger.lock(user_id)
        if earlier := _asked_before(user_id, wish, key):
            return earlier
        job = _write(account, wish, key)
        transaction.on_commit(queue.ring)
        live.announce(job)
    return job


def _asked_before(user_id: int, wish: Wish, key: str | None) -> Job | None:
    """The job of an earlier request with this key. The same key for another wish is a mistake."""
    if key is None:
        return None
    job = Job.objects.filter(owner=user_id, idempotency_key=key).select_related("owner").first()
    if job and job.request_digest != wish.digest:
        raise refused("key_reused", status=422)
    return job


def _examine(wish: Wish) -> None:
    """Say now, before anything is charged, what the provider cannot do."""
    order = Order(
        code="", tool=wish.tool, prompt=wish.prompt, zone=wish.zone, box=wish.box,
        aspect=wish.aspect, count=wish.count,
        pictures=tuple(photos.read(photo) for _role, photo in wish.inputs),
    )  # fmt: skip
    if wish.tool == Tool.TRYON and wish.box is None:
        fit = fitting.fit(wish.inputs[0][1], wish.zone)
        if fit.reason:
            raise refused(fit.reason, zone=wish.zone)
        order = replace(order, box=fit.box)
    try:
        routing.first(wish.tool).examine(order)
    except ProviderError as error:
        raise refused(error.code, **error.data) from None


def _write(account: Account, wish: Wish, key: str | None) -> Job:
    """The job and its charge, in the transaction that holds the account."""
    now, code, user_id = timezone.now(), uuid.uuid4(), account.user_id
    rank = _rank(user_id)
    _check_room(user_id, settings.JOBS_WAITING[rank])
    if wish.tool == Tool.ASSISTANT:
        assistant.check_silent(user_id)
    job = Job(
        code=code, owner_id=user_id, tool=wish.tool, prompt=wish.prompt, zone=wish.zone,
        box=wish.box, aspect=wish.aspect, count=wish.count,
        seed=secrets.randbelow(MAX_SEED) if wish.seed is None else wish.seed,
        idempotency_key=key, request_digest=wish.digest,
        turn=queue.turn_for(user_id, wish.tool), slots=settings.JOBS_RUNNING[rank],
        provider=routing.first(wish.tool).name, created_at=now,
        deadline_at=now + td(seconds=_patience(wish.tool)),
        words_until=now + photos.RESULT_KEPT,
    )  # fmt: skip
    _charge(account, job, wish)
    job.save(force_insert=True)
    Input.objects.bulk_create(
        Input(job=job, photo=photo, role=role, number=number)
        for number, (role, photo) in enumerate(wish.inputs, start=1)
    )
    if wish.tool == Tool.ASSISTANT:
        assistant.note(job, wish.inputs[0][1])
    prefetch_related_objects([job], "inputs__photo")  # told twice: to the asker, and to sockets
    return job


def _charge(account: Account, job: Job, wish: Wish) -> None:
    """Nothing for words that ask for no more than the free tools do; what they are about keeps its
    mark.
    """
    if _is_free(wish):
        job.price_unit, job.price_amount = Kind.CREDIT.value, 0
        job.watermark = wish.inputs[0][1].is_marked
        return
    bill = ledger.charge_locked(
        account, price_of(wish.tool), key=job.charge_key, reason=wish.tool, count=wish.count
    )
    job.price_unit, job.price_amount, job.watermark = bill.unit, bill.amount, bill.watermark


def _is_free(wish: Wish) -> bool:
    provider = routing.first(wish.tool)
    can_tell = wish.tool == Tool.EDIT and hasattr(provider, "is_free")
    return can_tell and provider.is_free(wish.prompt)


def _patience(tool: str) -> int:
    """Seconds until a job that has not ended is given back."""
    talk = tool == Tool.ASSISTANT
    return settings.ASSISTANT_DEADLINE_SECONDS if talk else settings.JOB_DEADLINE_SECONDS


def _rank(user_id: int) -> str:
    return "plan" if ledger.has_plan(user_id) else "free"


def _check_room(user_id: int, limit: int) -> None:
    if Job.objects.filter(owner=user_id, state__in=OPEN).count() >= limit:
        raise refused("too_many_jobs", status=429, limit=limit)
