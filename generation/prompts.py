"""What providers and the assistant are told: versions that staff may add, defaults here."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Max

from generation.models import Prompt, Zone

KEEP = (
    "Image 1 is the person, image 2 is the item. Keep the person's face, hair, body shape, pose, "
    "skin, the background, the framing and the aspect ratio exactly as in image 1. Match the "
    "item's scale, perspective and light to the person. Add no heads, necks, limbs or margins. "
    "The result is one photorealistic picture."
)
PLACES = {
    Zone.BODY: "Dress the person in the clothes from image 2, in place of what they wear there.",
    Zone.HEAD: "Put the hat or cap from image 2 on the person's head.",
    Zone.FACE: "Put the glasses or mask from image 2 on the person's face.",
    Zone.NECK: "Put the necklace or scarf from image 2 around the person's neck.",
    Zone.HANDS: "Put the watch, bracelet or ring from image 2 on the person's hand or wrist.",
    Zone.LEGS: "Dress the person in the trousers, skirt or shoes from image 2.",
}
ASSISTANT = "assistant"
TALK = (
    "You help a person to change one photo. You see the photo as it is now and what was said "
    "before. From the person's last message write three prompts for an image editing model, in "
    "English: one short (at most 15 words), one balanced (at most 40 words) and one detailed (at "
    "most 90 words). Each says what to change and what must stay as it is: faces, bodies, pose "
    "and background, unless the person asks for them to change. Then write one friendly sentence "
    "to the person in their own language. Ask for nothing, promise nothing, mention no links."
)
DEFAULTS = {zone.value: f"{place} {KEEP}" for zone, place in PLACES.items()} | {ASSISTANT: TALK}
WRITE_TRIES = 5


def current(name: str) -> tuple[int, str]:
    """The version that counts now, and its words. Version 0 is the default in code."""
    newest = Prompt.objects.filter(name=name).order_by("-number").values_list("number", "text")
    return newest.first() or (0, DEFAULTS[name])


def newest() -> dict[str, Prompt]:
    """Of each name that has versions, the one that counts. Without its words."""
    rows = Prompt.objects.select_related("author").defer("text").order_by("number")
    return {row.name: row for row in rows}


def numbered(name: str, number: int) -> str:
    """The words of one version: what a job that was begun with it goes on with."""
    text = Prompt.objects.filter(name=name, number=number).values_list("text", flat=True).first()
    return text or DEFAULTS[name]


def write(name: str, text: str, *, author_id: int | None = None) -> Prompt:
    """Add a version, which counts from now on."""
    for _try in range(WRITE_TRIES):
        last = Prompt.objects.filter(name=name).aggregate(last=Max("number"))["last"] or 0
        try:
            with transaction.atomic():
                return Prompt.objects.create(
                    name=name, number=last + 1, text=text, author_id=author_id
                )
        except IntegrityError:
            continue  # somebody else saved at the same moment
    raise RuntimeError(f"{name} is written by too many at once")


def reset(name: str, *, author_id: int | None = None) -> Prompt:
    """Back to the default in code, as a new version."""
    return write(name, DEFAULTS[name], author_id=author_id)
