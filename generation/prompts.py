"""What a provider is told for each zone: rows that staff may edit, defaults here."""

from __future__ import annotations

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
DEFAULTS = {zone.value: f"{place} {KEEP}" for zone, place in PLACES.items()}


def seed() -> None:
    """Add the prompts that are missing; never change what staff may have edited."""
    Prompt.objects.bulk_create(
        [Prompt(zone=zone, text=text) for zone, text in DEFAULTS.items()], ignore_conflicts=True
    )


def for_zone(zone: str) -> str:
    row = Prompt.objects.filter(zone=zone).values_list("text", flat=True).first()
    return row or DEFAULTS[zone]
