"""Jobs: the row is the truth; queues and sockets only speak of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from generation.models.choices import BUSY, FINAL, OPEN, PROMPT_LIMIT, Aspect, State, Tool, Zone
from generation.models.photos import Photo

TALK_SLOT = 1000
"""Where a person's turn of the assistant runs, whatever else they have running."""


class JobQuerySet(models.QuerySet["Job"]):
    def ready(self, now: datetime | None = None) -> JobQuerySet:
        """What may be worked on now: queued with a slot free for its owner, or due for a check.

        A turn of the assistant waits for no slot: it has one of its own.
        """
        now = now or timezone.now()
        busy = (
            Job.objects.filter(owner=OuterRef("owner"), state__in=BUSY, slot__lt=TALK_SLOT)
            .order_by()
            .values("owner")
            .annotate(number=Count("pk"))
            .values("number")
        )
        return self.annotate(busy=Coalesce(Subquery(busy), 0)).filter(
            Q(state=State.QUEUED, busy__lt=F("slots"))
            | Q(state=State.QUEUED, tool=Tool.ASSISTANT)
            | Q(state=State.WAITING, next_check_at__lte=now)
        )


class Job(models.Model):
    """One run of a tool, from the quote to the picture.

    ``fence`` counts claims: whoever writes must hold the newest one, so a worker that froze and
    wakes up writes nothing. ``version`` counts what a watcher could see.
    """

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs"
    )
    tool = models.CharField(max_length=16, choices=Tool.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    version = models.PositiveIntegerField(default=1)

    # what was asked for
    prompt = models.TextField(max_length=PROMPT_LIMIT, blank=True)
    zone = models.CharField(max_length=8, choices=Zone.choices, blank=True)
    box = models.JSONField(null=True, blank=True, help_text="left, top, width, height: 0 to 1")
    aspect = models.CharField(max_length=8, choices=Aspect.choices, default=Aspect.AUTO)
    count = models.PositiveSmallIntegerField(default=1)
    seed = models.PositiveIntegerField(default=0)
    prompt_number = models.PositiveIntegerField(
        default=0, help_text="version of the zone's or assistant's prompt; 0: the default in code"
    )
    photos = models.ManyToManyField(Photo, through="Input", related_name="used_by")
    idempotency_key = models.CharField(max_length=120, null=True, blank=True)
    request_digest = models.CharField(max_length=64, blank=True)

    # what it costs
    price_unit = models.CharField(max_length=8)
    price_amount = models.PositiveIntegerField()
    watermark = models.BooleanField(default=False)

    # whose turn it is
    turn = models.BigIntegerField(default=0, help_text="lowest first, see queue.py")
    slots = models.PositiveSmallIntegerField(default=1, help_text="jobs its owner may run at once")
    slot = models.PositiveSmallIntegerField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField()

    # how it goes
    provider = models.CharField(max_length=32)
    provider_ref = models.CharField(max_length=500, blank=True)
    next_check_at = models.DateTimeField(null=True, blank=True)
    model = models.CharField(max_length=64, blank=True)
    cost = models.DecimalField(max_digits=9, decimal_places=4, default=Decimal(0), help_text="₽")
    percent = models.PositiveSmallIntegerField(default=0)
    stage = models.CharField(max_length=32, blank=True)
    error_code = models.CharField(max_length=32, blank=True)
    error_data = models.JSONField(default=dict, blank=True)
    error_detail = models.TextField(blank=True, help_text="for staff, never shown to people")

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    words_until = models.DateTimeField(
        null=True, blank=True, help_text="when what was said is looked at, to be forgotten"
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "idempotency_key"], name="job_idempotency_key_once"
            ),
            models.UniqueConstraint(
                fields=["owner", "slot"],
                condition=Q(state__in=BUSY),
                name="job_slot_taken_once",
            ),
            models.UniqueConstraint(
                fields=["owner"],
                condition=Q(state__in=OPEN, tool=Tool.ASSISTANT),
                name="job_one_turn_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=BUSY) | Q(slot__isnull=False), name="job_runs_in_a_slot"
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="job_state_is_known"),
            models.CheckConstraint(
                condition=~Q(state__in=FINAL) | Q(finished_at__isnull=False),
                name="job_that_ended_says_when",
            ),
        ]
        indexes = [
            models.Index(
                fields=["turn", "id"], name="job_whose_turn", condition=Q(state=State.QUEUED)
            ),
            models.Index(fields=["owner", "-created_at"], name="job_newest_first"),
            models.Index(fields=["owner"], name="job_open", condition=Q(state__in=OPEN)),
            models.Index(
                fields=["lease_until"], name="job_lease", condition=Q(state=State.RUNNING)
            ),
            models.Index(
                fields=["next_check_at"], name="job_check", condition=Q(state=State.WAITING)
            ),
            models.Index(fields=["deadline_at"], name="job_deadline", condition=Q(state__in=OPEN)),
            models.Index(
                fields=["finished_at"],
                name="job_untold",
                condition=Q(told_at=None, state__in=FINAL),
            ),
            models.Index(
                fields=["tool", "-finished_at"], name="job_recent", condition=Q(state=State.DONE)
            ),
            models.Index(
                fields=["words_until"], name="job_words_to_forget",
                condition=Q(state__in=FINAL) & ~Q(prompt=""),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.tool} {self.code}"

    @property
    def charge_key(self) -> str:
        return f"job:{self.code}:charge"

    @property
    def refund_key(self) -> str:
        return f"job:{self.code}:refund"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def words_are_gone(self) -> bool:
        """Forgotten after their time: what cannot be asked for again."""
        return self.tool != Tool.TRYON and not self.prompt

    def move(self, expected: tuple[State, ...], **changes: Any) -> bool:
        """Change the row if it still is where we believe it is: same fence, one of these states.

        Returns whether it was. The instance follows the row, also where another instance of ours
        has moved it since this one was read: a page keeps the newest version that it was told.
        """
        row = Job.objects.filter(pk=self.pk, fence=self.fence, state__in=expected)
        seen = row.filter(version=self.version)
        if not seen.update(version=self.version + 1, **changes):
            with transaction.atomic():
                version = row.select_for_update().values_list("version", flat=True).first()
                if version is None:
                    return False
                self.version = version
                row.update(version=version + 1, **changes)
        for name, value in changes.items():
            if not hasattr(value, "resolve_expression"):
                setattr(self, name, value)
        self.version += 1
        return True


class Input(models.Model):
    """A photo that a job works with, and as what."""

    class Role(models.TextChoices):
        PERSON = "person", _("person")
        ITEM = "item", _("item")
        BASE = "base", _("base")
        REFERENCE = "reference", _("reference")

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="inputs")
    photo = models.ForeignKey(Photo, on_delete=models.PROTECT, related_name="inputs")
    role = models.CharField(max_length=16, choices=Role.choices)
    number = models.PositiveSmallIntegerField(help_text="image 1 is the first that is sent")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="input_number_once")]

    def __str__(self) -> str:
        return f"{self.role} of {self.job_id}"
