"""Photos: what people sent, and what was made for them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.utils import timezone

from generation.models.choices import Zone


class PhotoQuerySet(models.QuerySet["Photo"]):
    def sent(self) -> PhotoQuerySet:
        """What people sent themselves."""
        return self.filter(job=None, parent=None)

    def made(self) -> PhotoQuerySet:
        """What came of it: results of jobs, and what the free tools made."""
        return self.exclude(job=None, parent=None)


class Photo(models.Model):
    """A picture of somebody: sent by them, made for them by a job, or by a free tool from another
    of theirs. Never another's.
    """

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="photos"
    )
    job = models.ForeignKey(
        "Job", null=True, blank=True, on_delete=models.PROTECT, related_name="results"
    )
    number = models.PositiveSmallIntegerField(default=0, help_text="among the results of its job")
    root = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="family",
        help_text="the photo that this one came from by edits; empty: it is the first",
    )  # fmt: skip
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children",
        help_text="the picture that a free tool made this one from; empty: none did",
    )  # fmt: skip
    recipe = models.JSONField(
        default=dict, db_default=Value({}, models.JSONField()), blank=True,
        help_text="what the free tool did",
    )  # fmt: skip
    digest = models.CharField(max_length=64, help_text="SHA-256 of what came in")
    master = models.CharField(
        max_length=120, blank=True, help_text="name in the storage; empty: removed"
    )
    thumb = models.CharField(max_length=120, blank=True)
    mime = models.CharField(max_length=16)
    size = models.PositiveIntegerField(help_text="bytes of the master")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    placeholder = models.CharField(max_length=600, help_text="a tiny picture as a data: address")
    hints = models.JSONField(default=list, blank=True)
    fits = models.JSONField(default=dict, blank=True, help_text="zone: where an item would go")
    favourite = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    kept_until = models.DateTimeField(
        null=True, blank=True,
        help_text="a favourite or a plan keeps it longer; empty: not dated yet, see retention.py",
    )  # fmt: skip
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="its files go right after, and then their names"
    )

    objects = PhotoQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(job=None) | Q(parent=None), name="photo_made_in_one_way"
            ),
            models.UniqueConstraint(
                fields=["owner", "digest"],
                condition=Q(job=None, deleted_at=None),
                name="photo_sent_once",
            ),
            models.UniqueConstraint(
                fields=["job", "number"], condition=~Q(job=None), name="photo_result_once"
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="photo_newest_first"),
            models.Index(
                fields=["kept_until"], name="photo_by_its_end",
                condition=Q(deleted_at=None) & (Q(job=None) | Q(favourite=False)),
            ),
            models.Index(
                fields=["deleted_at"], name="photo_files_to_remove",
                condition=Q(deleted_at__isnull=False) & ~Q(master=""),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{'result' if self.is_made else 'photo'} {self.code}"

    @property
    def is_made(self) -> bool:
        return bool(self.job_id or self.parent_id)

    @property
    def is_marked(self) -> bool:
        """Whether it carries the mark of what was made with free actions."""
        return self.job.watermark if self.job else bool(self.recipe.get("mark"))

    @property
    def root_pk(self) -> int:
        """The first photo of its family."""
        return self.root_id or self.pk


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
