"""How long things are kept: uploads a day, pictures and words 30 days, a favourite for good.

Each row says when (`Photo.kept_until`, `Job.words_until`); then it is looked at once more, because
a plan or a heart keeps it longer. Rows are changed first and files follow, so whoever dies in
between leaves work that the next round finds; two rounds at once share it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from datetime import timedelta as td
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from billing import subscriptions
from generation import photos
from generation.models import (
    FINAL,
    OPEN,
    Alert,
    Attempt,
    Draft,
    Errand,
    Input,
    Job,
    Message,
    Photo,
)
from generation.photos import RESULT_KEPT, UPLOAD_KEPT

PLAN_KEPT = td(days=365)
LOGS_KEPT = td(days=90)
LOOK_AGAIN = td(days=30)
AT_ONCE = 200
ROUND_SECONDS = 60


def forget_due() -> None:
    """One round, a minute at most: what is left is the next one's."""
    end = time.monotonic() + ROUND_SECONDS
    for step in STEPS:
        while step() == AT_ONCE and time.monotonic() < end:
            pass


def result_until(made_at: datetime, plan_ends: datetime | None) -> datetime:
    """30 days. A plan makes it a year; when it has ended, 30 days are left to save what one likes.

    ``plan_ends``: when the owner's plan ends or ended; None for who never had one.
    """
    plain = made_at + RESULT_KEPT
    return max(plain, min(made_at + PLAN_KEPT, plan_ends + RESULT_KEPT)) if plan_ends else plain


def kept_until(photo: Photo) -> datetime:
    """What the person is told: as things stand now, and without a heart."""
    if not photo.is_made:
        return photo.kept_until or photo.created_at + UPLOAD_KEPT
    ends = subscriptions.ends_of([photo.owner_id]).get(photo.owner_id)
    until = result_until(photo.created_at, ends)
    return max(until, photo.kept_until or until)


def overdue(now: datetime) -> dict[str, tuple[int, float]]:
    """Of each kind, how many should be gone, and for how many seconds the oldest of them."""
    files = Photo.objects.filter(deleted_at__isnull=False).exclude(master="")
    late = {
        "photos": (_due_photos(now), "kept_until"),
        "files": (files, "deleted_at"),
        "words": (_spoken().filter(words_until__lte=now), "words_until"),
    }
    return {what: _lateness(rows, field, now) for what, (rows, field) in late.items()}


def _lateness(rows: QuerySet[Any], field: str, now: datetime) -> tuple[int, float]:
    found = rows.order_by().aggregate(number=Count("pk"), oldest=Min(field))
    return found["number"], (now - (found["oldest"] or now)).total_seconds()


# ── photos and pictures ───────────────────────────────────────────────────────────────────────


def _forgettable() -> QuerySet[Photo]:
    return (Photo.objects.sent() | Photo.objects.filter(favourite=False)).filter(deleted_at=None)


def _due_photos(now: datetime) -> QuerySet[Photo]:
    """What an open job works with is spared until that ends: 15 minutes at most."""
    in_use = Input.objects.filter(photo=OuterRef("pk"), job__state__in=OPEN)
    return _forgettable().filter(~Exists(in_use), kept_until__lte=now)


def _date_photos() -> int:
    """Rows that were written by code which knew no end."""
    undated = _forgettable().filter(kept_until=None).values_list("pk", flat=True)
    keys = list(undated.order_by()[:AT_ONCE])
    some = Photo.objects.filter(pk__in=keys, kept_until=None)
    some.sent().update(kept_until=F("created_at") + UPLOAD_KEPT)
    some.made().update(kept_until=F("created_at") + RESULT_KEPT)
    return len(keys)


def _forget_photos() -> int:
    now = timezone.now()
    with transaction.atomic():
        locked = _due_photos(now).select_for_update(skip_locked=True, of=("self",))
        due = list(locked.order_by("kept_until")[:AT_ONCE])
        longer = _kept_by_a_plan(due, now)
        gone = photos.mark_gone(Photo.objects.filter(pk__in={p.pk for p in due} - longer))
    photos.remove_files(gone)
    return len(due)


def _kept_by_a_plan(due: list[Photo], now: datetime) -> set[int]:
    """Pictures whose end a plan has put off, with the new end written down."""
    ends = subscriptions.ends_of({photo.owner_id for photo in due if photo.is_made})
    kept = []
    for photo in due:
        if photo.is_made and photo.owner_id in ends:
            photo.kept_until = result_until(photo.created_at, ends[photo.owner_id])
            kept += [photo] if photo.kept_until > now else []
    Photo.objects.bulk_update(kept, ["kept_until"])
    return {photo.pk for photo in kept}


def _remove_files() -> int:
    """Of photos that somebody marked as gone, and died before the files were."""
    left = Photo.objects.filter(deleted_at__isnull=False).exclude(master="")
    some = list(left.order_by("deleted_at")[:AT_ONCE])
    photos.remove_files(some)
    return len(some)


# ── words ─────────────────────────────────────────────────────────────────────────────────────


def _spoken() -> QuerySet[Job]:
    return Job.objects.filter(state__in=FINAL).exclude(prompt="")


def _forget_words() -> int:
    """What was asked for and what the assistant said. The rows stay: the books rest on them."""
    now = timezone.now()
    with transaction.atomic():
        due = _spoken().filter(Q(words_until=None) | Q(words_until__lte=now))
        locked = due.select_for_update(skip_locked=True, of=("self",)).order_by("words_until")
        jobs = list(locked.prefetch_related("results", "messages__chat")[:AT_ONCE])
        _date_words(jobs, now)
        Job.objects.bulk_update((j for j in jobs if j.words_until > now), ["words_until"])
        _silence([job.pk for job in jobs if job.words_until <= now])
    return len(jobs)


def _silence(keys: list[int]) -> None:
    Job.objects.filter(pk__in=keys).update(prompt="", error_detail="", error_data={})
    Message.objects.filter(job__in=keys).update(text="", prompts=[])
    Attempt.objects.filter(job__in=keys).update(detail="")


def _date_words(jobs: list[Job], now: datetime) -> None:
    """As long as a picture of theirs is kept, and as long as a picture would be."""
    ends = subscriptions.ends_of({job.owner_id for job in jobs})
    loved = _loved_families(jobs)
    for job in jobs:
        alive = [photo for photo in job.results.all() if not photo.deleted_at]
        until = [result_until(job.created_at, ends.get(job.owner_id))]
        until += [photo.kept_until or now + UPLOAD_KEPT for photo in alive]
        if any(photo.favourite for photo in alive) or loved & _roots(job):
            until.append(now + LOOK_AGAIN)
        job.words_until = max(until)


def _roots(job: Job) -> set[int]:
    """The photos that this turn of the assistant was about the family of."""
    return {message.chat.root_id for message in job.messages.all()}


def _loved_families(jobs: list[Job]) -> set[int]:
    """Those with a favourite in them."""
    roots = set().union(*(_roots(job) for job in jobs))
    family = Q(root__in=roots) | Q(pk__in=roots)
    loved = Photo.objects.filter(family, favourite=True, deleted_at=None)
    return {photo.root_pk for photo in loved}


# ── the rest ──────────────────────────────────────────────────────────────────────────────────


def _drop_oldest(rows: QuerySet[Any], field: str, kept: td) -> Callable[[], int]:
    """Rows are written in the order of time, so the first ones are the oldest."""

    def drop() -> int:
        before = timezone.now() - kept
        first: Iterable[tuple[int, datetime]] = rows.order_by("pk").values_list("pk", field)
        old = [pk for pk, at in first[:AT_ONCE] if at < before]
        rows.filter(pk__in=old).delete()
        return len(old)

    return drop


def _drop_drafts() -> int:
    """Their photos went long ago."""
    old = Draft.objects.filter(updated_at__lt=timezone.now() - RESULT_KEPT)
    return Draft.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:AT_ONCE])).delete()[0]


STEPS: tuple[Callable[[], int], ...] = (
    _date_photos,
    _forget_photos,
    _remove_files,
    _forget_words,
    _drop_drafts,
    _drop_oldest(Errand.objects.all(), "created_at", RESULT_KEPT),
    _drop_oldest(Attempt.objects.exclude(ended_at=None), "started_at", LOGS_KEPT),
    _drop_oldest(Alert.objects.exclude(cleared_at=None), "created_at", LOGS_KEPT),
)
