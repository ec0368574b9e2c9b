"""What may be chosen: tools, zones, shapes of pictures, states of a job."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

PROMPT_LIMIT = 4000
MESSAGE_LIMIT = 2000


class Tool(models.TextChoices):
    TRYON = "tryon", _("Try-on")
    EDIT = "edit", _("Edit")
    IMAGINE = "imagine", _("Imagine")
    ASSISTANT = "assistant", _("Assistant")

    @classmethod
    def for_pictures(cls) -> list[tuple[str, str]]:
        """The choices that end in a picture."""
        return [choice for choice in cls.choices if choice[0] != cls.ASSISTANT]


PICTURE_TOOLS = (Tool.TRYON, Tool.EDIT, Tool.IMAGINE)


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

    @classmethod
    def shapes(cls) -> list[tuple[str, str]]:
        """The choices that say which shape."""
        return [choice for choice in cls.choices if choice[0] != cls.AUTO]


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
