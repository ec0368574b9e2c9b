"""The servers that speak OpenAI's Images API: what each wants, and what it cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from generation.providers.base import MISCONFIGURED, ProviderError

# Both sides divisible by 16, as gpt-image-2 wants it; the shapes are exact.
FREE_SIZES = {
    "auto": "auto", "1:1": "1024x1024", "3:4": "1152x1536", "4:3": "1536x1152",
    "9:16": "864x1536", "16:9": "1536x864",
}  # fmt: skip
# What every model behind OpenAI's API has known, whatever a gateway passes the order to.
CLASSIC_SIZES = {
    "auto": "auto", "1:1": "1024x1024", "3:4": "1024x1536", "4:3": "1536x1024",
    "9:16": "1024x1536", "16:9": "1536x1024",
}  # fmt: skip
# One megapixel in steps of 64, as Stable Diffusion likes it. No "auto": the nearest shape is sent.
STEPPED_SIZES = {
    "1:1": "1024x1024", "3:4": "768x1024", "4:3": "1024x768",
    "9:16": "576x1024", "16:9": "1024x576",
}  # fmt: skip


@dataclass(frozen=True)
class Flavour:
    """What one server wants to be sent, and what it cannot do."""

    base_url: str = ""  # of the vendor; a server of one's own has none
    default_models: tuple[str, ...] = ()
    needs_model: bool = False  # False: the server has one model and chooses by itself
    edits: bool = True
    picture_field: str = "image[]"
    most_pictures: int = 16
    most_made: int = 10  # pictures in one answer
    words: int = 32_000  # characters of the prompt
    sizes: Mapping[str, str] = field(default_factory=lambda: STEPPED_SIZES)
    response_format: bool = True  # OpenAI's own models refuse it
    seed_field: str = ""
    seed_in_prompt: bool = False  # sd.cpp reads its parameters out of a tag in the prompt
    splits_prompt: bool = False  # what follows "|" would be a negative prompt
    own_results: bool = False  # results may be addresses on the server itself
    models_path: str = "models"  # relative to the base URL
    cost_header: str = ""  # dollars


FLAVOURS = {
    "openai": Flavour(
        base_url="https://api.openai.com/v1", needs_model=True,
        default_models=("gpt-image-2", "gpt-image-2.5-flare", "gpt-image-1.5"),
        sizes=FREE_SIZES, response_format=False,
    ),
    "litellm": Flavour(
        needs_model=True, sizes=CLASSIC_SIZES, response_format=False,
        cost_header="x-litellm-response-cost",
    ),
    "vllm-omni": Flavour(picture_field="image", seed_field="seed"),
    "sglang": Flavour(
        picture_field="image", seed_field="seed", own_results=True, models_path="../models"
    ),
    "sd.cpp": Flavour(
        default_models=("sd-cpp-local",), seed_in_prompt=True, response_format=False
    ),
    "localai": Flavour(
        needs_model=True, edits=False, splits_prompt=True, own_results=True
    ),
}  # fmt: skip


def flavour_of(options: Mapping[str, Any]) -> Flavour:
    name = options.get("flavour", "openai")
    if name not in FLAVOURS:
        raise ProviderError(MISCONFIGURED, f"flavour {name!r}, not one of {', '.join(FLAVOURS)}")
    known = {entry.name for entry in fields(Flavour)}
    return replace(FLAVOURS[name], **{key: options[key] for key in known & set(options)})
