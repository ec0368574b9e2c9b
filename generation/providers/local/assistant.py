"""The built-in assistant: says a wish back in words that the built-in edit understands.

It knows no more than the table of plain requests; what it proposes can really be done to the photo.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils import translation
from django.utils.translation import gettext as _

from ..base import Answer, Order, ProviderError, Report, Talk
from ..replies import KINDS, cleaned
from . import edit
from .phrases import BY_PERCENT, parse
from .requests import Operation
from .words import COLOURS

MOST_WISHES = 6
QUOTED = 100
"""Characters of the person's words that are repeated to them."""

COLOUR_NAMES = (
    "navy", "dark green", "white", "black", "grey", "red", "orange", "yellow", "green", "turquoise",
    "light blue", "blue", "purple", "pink", "brown", "beige", "gold", "blond",
)  # fmt: skip
TONES = {
    "brightness": ("brighter", "darker"),
    "contrast": ("more contrast", "less contrast"),
    "warmth": ("warmer", "cooler"),
    "saturation": ("more saturated", "less saturated"),
}
PLAIN = {
    "blur_background": "blur the background",
    "grey": "black and white",
    "sepia": "sepia",
    "vignette": "add a vignette",
    "sharpen": "sharpen",
    "denoise": "remove the noise",
    "blur": "blur",
    "upscale": "upscale 2x",
}
TURNS = {180: "turn upside down", 90: "rotate right", -90: "rotate left"}
MIRRORS = {"across": "mirror it", "down": "flip vertically"}

# What goes well with a wish, the best first; whatever was asked for already is left out.
COMPANIONS = (
    ("brightness", "slightly brighter"),
    ("contrast", "slightly more contrast"),
    ("saturation", "slightly more saturated"),
    ("sharpen", "slightly sharpen"),
    ("warmth", "slightly warmer"),
    ("vignette", "add a vignette"),
)
FIRST = {
    "brightness": ("contrast", "saturation"),
    "warmth": ("contrast", "vignette"),
    "saturation": ("contrast",),
    "grey": ("contrast", "vignette"),
    "sepia": ("vignette", "contrast"),
    "caption": ("contrast", "saturation"),
}
SPOILED = {"grey": {"saturation", "warmth"}, "sepia": {"saturation", "warmth"}, "blur": {"sharpen"}}


@dataclass(frozen=True)
class Wish:
    """What of a message can be done to the photo, as English requests, and the words left over."""

    names: tuple[str, ...]
    requests: tuple[str, ...]
    rest: str


def examine(order: Order) -> None:
    """Refuses, before anything is charged, what nothing can be said about."""
    if not order.pictures:
        raise ProviderError("photo_needed", "a talk without a picture")
    if not order.prompt.strip():
        raise ProviderError("words_needed")


def answer(order: Order, report: Report) -> Answer:
    examine(order)
    report(10, "thinking")
    wish = understood(order)
    report(60, "thinking")
    with translation.override((order.talk or Talk("")).language):
        return Answer(_sentence(wish), proposals(wish))


def understood(order: Order) -> Wish:
    """Every operation said back in English, as far as this photo allows it."""
    operations, unknown = parse(order.prompt)
    said = [(operation.name, in_english(operation)) for operation in operations[:MOST_WISHES]]
    can = [pair for pair in said if _works(pair[1], order)]
    cannot = [request for name, request in said if (name, request) not in can]
    rest = cleaned(", ".join([*unknown, *cannot] if said else [order.prompt]))
    return Wish(tuple(name for name, _r in can), tuple(r for _n, r in can), rest[:QUOTED])


def proposals(wish: Wish) -> tuple[tuple[str, str], ...]:
    """Just the wish, with one companion, with three; without a wish, the companions alone."""
    more = _companions(wish.names)
    own = list(wish.requests) or [more.pop(0)]
    texts = (own, own + more[:1], own + more[:3])
    return tuple((kind, ", ".join(text)) for kind, text in zip(KINDS, texts, strict=True))


def in_english(operation: Operation) -> str:
    """The request that asks for exactly this operation."""
    name, values = operation.name, operation.values
    if name in TONES:
        return _strong(TONES[name][operation.amount < 0], operation)
    if name in PLAIN:
        return _strong(PLAIN[name], operation)
    if name == "background":
        colour = values["colour"]
        return (
            f"replace the background with {_named(colour)}" if colour else "remove the background"
        )
    if name == "recolour":
        return f"make the {values['region']} {_named(values['colour'])}"
    if name == "swap_colour":
        return f"replace {_named(values['old'])} with {_named(values['colour'])}"
    return _of_shape(name, values)


def _of_shape(name: str, values: dict) -> str:
    if name == "rotate":
        degrees = values["degrees"]
        side = "left" if degrees < 0 else "right"
        return TURNS.get(degrees) or f"rotate {abs(degrees)} degrees to the {side}"
    if name == "mirror":
        return MIRRORS[values["axis"]]
    if name == "caption":
        return f'add the text "{values["text"]}"'
    across, down = values["ratio"]
    return f"{name} to {across}:{down}"


def _strong(request: str, operation: Operation) -> str:
    """With the strength in words, or in percent where that was said."""
    amount = abs(operation.amount)
    words = {0.45: "slightly ", 1.0: "", 1.9: "strongly "}
    if amount in words:
        return words[amount] + request
    return f"{request} by {round(amount * BY_PERCENT[operation.name])}%"


def _named(colour: object) -> str:
    return dict(zip(COLOURS.values(), COLOUR_NAMES, strict=True))[colour]  # type: ignore[index]


def _companions(names: tuple[str, ...]) -> list[str]:
    unfit = set(names).union(*(SPOILED.get(name, set()) for name in names))
    first = FIRST.get(names[0], ()) if names else ()
    ordered = sorted(COMPANIONS, key=lambda pair: pair[0] not in first)
    return [request for name, request in ordered if name not in unfit]


def _works(request: str, order: Order) -> bool:
    """Whether the built-in edit takes it, and can do it to this photo."""
    try:
        edit.examine(replace(order, tool="edit", prompt=request, aspect="auto"))
    except ProviderError:
        return False
    return True


def _sentence(wish: Wish) -> str:
    if not wish.requests:
        return _(
            "I did not understand “%(words)s”. I am the built-in assistant: I know light, colours, "
            "the background, sharpness, the shape and captions. Here are three safe improvements."
        ) % {"words": wish.rest or "…"}
    if wish.rest:
        return _("I can do a part of this, without “%(words)s”. Choose how far we go.") % {
            "words": wish.rest
        }
    return _("Gladly! Choose: just that, with one fitting touch, or with a few more.")
