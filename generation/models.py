"""Pictures and jobs as rows. The job row is the truth; queues and sockets only speak of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

PROMPT_LIMIT = 4000


class Tool(models.TextChoices):
    TRYON = "tryon", _("Try-on")
    EDIT = "edit", _("Edit")
    IMAGINE = "imagine", _("Imagine")


class Zone(models.TextChoices):
    BODY = "body", _("Clothes")
    HEAD = "head", _("Hat")
    FACE = "face", _("Glasses")
    NECK = "neck", _("Necklace")
    HANDS = "hands", _("Watch")
    LEGS = "legs", _("Trousers, shoes")


class Aspect(models.TextChoices):
    AUTO = "auto", _("Auto")
    SQUARE = "1:1", "1:1"
    PORTRAIT = "3:4", "3:4"
    LANDSCAPE = "4:3", "4:3"
    TALL = "9:16", "9:16"
    WIDE = "16:9", "16:9"


class State(models.TextChoices):
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    WAITING = "waiting", _("waiting")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


BUSY = (State.RUNNING, State.WAITING)
OPEN = (State.QUEUED, *BUSY)
FINAL = (State.DONE, State.FAILED, State.CANCELLED)


class Photo(models.Model):
    """A picture of somebody: uploaded by them, or made for them by a job. Never another's."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="photos"
    )
    job = models.ForeignKey(
        "Job", null=True, blank=True, on_delete=models.PROTECT, related_name="results"
    )
    number = models.PositiveSmallIntegerField(default=0, help_text="among the results of its job")
    digest = models.CharField(max_length=64, help_text="SHA-256 of what came in")
    master = models.CharField(max_length=120, help_text="name in the storage")
    thumb = models.CharField(max_length=120)
    mime = models.CharField(max_length=16)
    size = models.PositiveIntegerField(help_text="bytes of the master")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    placeholder = models.CharField(max_length=600, help_text="a tiny picture as a data: address")
    hints = models.JSONField(default=list, blank=True)
    fits = models.JSONField(default=dict, blank=True, help_text="zone: where an item would go")
    favourite = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "digest"],
                condition=Q(job=None, deleted_at=None),
                name="photo_sent_once",
            ),
            models.UniqueConstraint(
                fields=["job", "number"], condition=~Q(job=None), name="photo_result_once"
            ),
        ]
        indexes = [models.Index(fields=["owner", "-created_at"], name="photo_newest_first")]

    def __str__(self) -> str:
        return f"{'result' if self.job_id else 'photo'} {self.code}"


class JobQuerySet(models.QuerySet["Job"]):
    def ready(self, now: datetime | None = None) -> JobQuerySet:
        """What may be worked on now: queued with a slot free for its owner, or due for a check."""
        now = now or timezone.now()
        busy = (
            Job.objects.filter(owner=OuterRef("owner"), state__in=BUSY)
            .order_by()
            .values("owner")
            .annotate(number=Count("pk"))
            .values("number")
        )
        return self.annotate(busy=Coalesce(Subquery(busy), 0)).filter(
            Q(state=State.QUEUED, busy__lt=F("slots"))
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
                fields=["tool", "-finished_at"], name="job_recent", condition=Q(state=State.DONE)
            ),
        ]

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

    def move(self, expected: tuple[State, ...], **changes: Any) -> bool:
        """Change the row if it still is where we believe it is: same fence, one of these states.

        Returns whether it was. The instance follows the row.
        """
        changed = Job.objects.filter(pk=self.pk, fence=self.fence, state__in=expected).update(
            version=F("version") + 1, **changes
        )
        if not changed:
            return False
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


class ProviderSetting(models.Model):
    """How a provider is used. Secrets are not here: they come from the environment."""

    name = models.CharField(max_length=32, unique=True)
    enabled = models.BooleanField(default=True, help_text="off: no new order, in any process")
    base_url = models.CharField(
        max_length=200, blank=True, help_text="empty: the vendor's own address"
    )
    options = models.JSONField(default=dict, blank=True, help_text="model ids, limits, prices")
    concurrency = models.PositiveSmallIntegerField(default=0, help_text="orders at once; 0: any")
    per_minute = models.PositiveIntegerField(default=0, help_text="new orders a minute; 0: any")
    picture_cost = models.DecimalField(
        max_digits=9, decimal_places=4, default=Decimal(0),
        help_text="₽ a picture, where the vendor does not say",
    )  # fmt: skip

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Route(models.Model):
    """Which provider a tool asks, and in what order."""

    tool = models.CharField(max_length=16, choices=Tool.choices)
    provider = models.ForeignKey(ProviderSetting, on_delete=models.CASCADE, related_name="routes")
    order = models.PositiveSmallIntegerField(default=1, help_text="lowest first")

    class Meta:
        ordering = ["tool", "order", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["tool", "provider"], name="route_once_for_a_tool")
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.order}: {self.provider_id}"


class Attempt(models.Model):
    """One order to one provider, written before it is placed: a crash leaves it open."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="orders")
    provider = models.CharField(max_length=32)
    ref = models.CharField(max_length=500, blank=True)
    outcome = models.CharField(max_length=32, blank=True, help_text="done, or a failure's code")
    accepted = models.BooleanField(null=True, help_text="unknown where nobody can tell")
    detail = models.TextField(blank=True, help_text="the vendor's words, for staff")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["provider", "-started_at"], name="attempt_newest_first")]

    def __str__(self) -> str:
        return f"{self.provider} for {self.job_id}: {self.outcome or 'open'}"


class Draft(models.Model):
    """A try-on that was begun: one for each person, so that going away loses nothing."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="draft"
    )
    person = models.ForeignKey(Photo, null=True, on_delete=models.SET_NULL, related_name="+")
    item = models.ForeignKey(Photo, null=True, on_delete=models.SET_NULL, related_name="+")
    zone = models.CharField(max_length=8, choices=Zone.choices, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"draft of {self.owner_id}"


class Prompt(models.Model):
    """What a provider is told for a zone; staff may edit it, the default stands in prompts.py."""

    zone = models.CharField(max_length=8, choices=Zone.choices, unique=True)
    text = models.TextField(max_length=PROMPT_LIMIT)
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    def __str__(self) -> str:
        return self.zone


class Heartbeat(models.Model):
    """When a process last proved that it does its work, not merely that it runs."""

    name = models.CharField(max_length=120, unique=True)
    slots = models.PositiveSmallIntegerField(default=1, help_text="jobs it works on at once")
    beat_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.name
