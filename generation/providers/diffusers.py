"""Hugging Face diffusers on this machine: an optional extra, see requirements/diffusers.in.

Options, all of them data:
``models``        {tool: folder or hub id}; ``model`` for all tools
``fields``        {tool: {argument of the pipeline: value}}: num_inference_steps, strength…
``prompts``       {tool: words in place of the order's}; a try-on is told by ``TRYON_WORDS``
``device``        cuda, cpu or mps; else CUDA where there is a card
``dtype``         float32, float16, bfloat16; else half precision on CUDA
``local_only``    true: never ask the hub
``sizes``, ``pixels``, ``size_step``   see ``canvas.size_for``

These models take one picture, so a try-on is drafted by the built-in provider and painted over.
Torch is imported when the first picture is made: the studio starts without it.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from PIL import Image, ImageFilter

from generation.providers import canvas
from generation.providers.base import (
    INVALID_INPUT,
    MISCONFIGURED,
    NO_IMAGE,
    POLICY,
    TRANSIENT,
    Config,
    Done,
    Fit,
    Order,
    Probe,
    ProviderError,
    Report,
)
from generation.providers.local import Local

PIXELS = 512 * 512
MOST = 4
SOFT_EDGE = 4  # radius of the blur between what was painted and what stays
TRYON_WORDS = "photo of a person, natural light, realistic folds and shadows, sharp focus"
FIELDS: dict[str, dict[str, Any]] = {"tryon": {"strength": 0.35}, "edit": {"strength": 0.6}}
PACKAGES = ("torch", "diffusers", "transformers")
TASKS = {
    "text": "AutoPipelineForText2Image",
    "image": "AutoPipelineForImage2Image",
    "inpaint": "AutoPipelineForInpainting",
}

# One set of weights and one picture at a time in each process: memory is what there is least of.
_one_at_a_time = threading.Lock()


class Diffusers:
    """Nothing leaves the machine, nothing is waited for: ``start`` returns the pictures."""

    name = "diffusers"
    tools = frozenset({"tryon", "edit", "imagine"})

    def __init__(self, config: Config) -> None:
        self.options = {"pixels": PIXELS, **config.options}
        self._pipelines: dict[tuple[str, str], Any] = {}

    def examine(self, order: Order) -> None:
        """Raises what cannot be done, without importing anything heavy."""
        if order.tool not in self.tools:
            raise ProviderError("tool_unknown", order.tool)
        _check_installed()
        self._weights(order.tool)
        if order.tool == "tryon":
            Local().examine(order)
        else:
            _examine(order)

    def locate(self, person: bytes, zone: str) -> Fit:
        return Local().locate(person, zone)

    def start(self, order: Order, report: Report) -> Done:
        self.examine(order)
        report(1, "starting")
        if order.tool == "tryon":
            report(2, "fitting")
            order = canvas.drafted(order)
        weights = self._weights(order.tool)
        with _one_at_a_time:
            try:
                pictures = self._painted(order, self._pipeline(weights, _task(order)), report)
            except (RuntimeError, TypeError, ValueError) as error:
                raise _broken(error) from None
        return Done(pictures, weights.rstrip("/").rpartition("/")[2], None)

    def check(self, ref: str, order: Order, report: Report) -> Done:
        """Never asked: ``start`` returns the pictures themselves."""
        raise ProviderError("nothing_waits", f"{self.name} has no job {ref!r}")

    def probe(self) -> Probe:
        """The packages are here, and at least one tool has a model. Nothing heavy is imported."""
        _check_installed()
        self._weights(next(iter(self.options.get("models", {})), ""))
        return Probe()

    def _weights(self, tool: str) -> str:
        weights = self.options.get("models", {}).get(tool) or self.options.get("model")
        if not weights:
            raise ProviderError(MISCONFIGURED, f"no model for {tool}")
        return str(weights)

    def _pipeline(self, weights: str, task: str) -> Any:
        """Loaded once. The tasks of one model share its weights."""
        import diffusers

        known = self._pipelines.get((weights, task))
        if known is None:
            kind = getattr(diffusers, TASKS[task])
            other = next((p for (w, _), p in self._pipelines.items() if w == weights), None)
            known = kind.from_pipe(other) if other else self._loaded(kind, weights)
            known.set_progress_bar_config(disable=True)
            self._pipelines[weights, task] = known
        return known

    def _loaded(self, kind: Any, weights: str) -> Any:
        """Raises MISCONFIGURED where the weights are not there or are of another kind."""
        import torch

        device = self.options.get("device") or ("cuda" if torch.cuda.is_available() else "cpu")
        usual = "float16" if device.startswith("cuda") else "float32"
        dtype = getattr(torch, self.options.get("dtype", usual))
        local = bool(self.options.get("local_only", False))
        try:
            pipeline = kind.from_pretrained(weights, dtype=dtype, local_files_only=local)
        except (OSError, ValueError, ImportError) as error:
            raise ProviderError(MISCONFIGURED, f"{weights}: {str(error)[:300]}") from None
        return pipeline.to(device)

    def _painted(self, order: Order, pipeline: Any, report: Report) -> tuple[bytes, ...]:
        """One picture after another, each with a seed of its own."""
        import torch

        arguments, finish = self._arguments(order)
        pictures = []
        for index in range(order.count):
            made = pipeline(
                **arguments,
                generator=torch.Generator("cpu").manual_seed(order.seed + index),
                callback_on_step_end=_counting(report, index, order.count),
            )
            pictures.append(canvas.png(finish(_picture(made))))
        report(92, "finishing")
        return tuple(pictures)

    def _arguments(self, order: Order) -> tuple[dict[str, Any], Callable[..., Image.Image]]:
        """What the pipeline is called with, and what is done with its picture."""
        size = canvas.size_for(order, self.options)
        words = {"tryon": TRYON_WORDS, **self.options.get("prompts", {})}
        usual, own = FIELDS.get(order.tool, {}), self.options.get("fields", {}).get(order.tool, {})
        arguments = {"prompt": words.get(order.tool, order.prompt), **usual, **own}
        if not order.pictures:
            return arguments | {"width": size[0], "height": size[1]}, _as_it_is
        base = _opened(order.pictures[0])
        arguments["image"] = base.resize(size, Image.Resampling.LANCZOS)
        if not order.box:
            return arguments, _as_it_is
        mask = canvas.mask_for(order)
        arguments |= {"mask_image": mask.resize(size), "width": size[0], "height": size[1]}
        return arguments, lambda made: _inside(mask, made, base)


def _check_installed() -> None:
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        what = f"{', '.join(missing)} not installed: pip install -r requirements/diffusers.txt"
        raise ProviderError(MISCONFIGURED, what)


def _examine(order: Order) -> None:
    if not order.prompt.strip():
        raise ProviderError("words_needed")
    if order.tool == "edit" and not order.pictures:
        raise ProviderError("photo_needed")
    if len(order.pictures) > (order.tool == "edit"):
        raise ProviderError(INVALID_INPUT, "the model takes one picture")
    if not 1 <= order.count <= MOST:
        raise ProviderError("size_unknown", f"{order.count} pictures")


def _task(order: Order) -> str:
    if not order.pictures:
        return "text"
    return "inpaint" if order.box else "image"


def _counting(report: Report, index: int, count: int) -> Callable[..., dict[str, Any]]:
    """Tells each step. What ``report`` raises stops the pipeline there and then."""

    def step_ended(pipeline: Any, step: int, _time: Any, values: dict[str, Any]) -> dict[str, Any]:
        steps = max(1, getattr(pipeline, "num_timesteps", None) or step + 1)
        done = (index + min(1.0, (step + 1) / steps)) / count
        report(5 + round(85 * done), "painting")
        return values

    return step_ended


def _picture(made: Any) -> Image.Image:
    if any(getattr(made, "nsfw_content_detected", None) or ()):
        raise ProviderError(POLICY, "the safety checker blacked it out", accepted=True)
    if not made.images:
        raise ProviderError(NO_IMAGE, "the pipeline made none", accepted=True)
    return made.images[0]


def _opened(picture: bytes) -> Image.Image:
    with Image.open(io.BytesIO(picture)) as image:
        return image.convert("RGB")


def _as_it_is(made: Image.Image) -> Image.Image:
    return made


def _inside(mask: Image.Image, made: Image.Image, base: Image.Image) -> Image.Image:
    """What was painted, in the photo's own size; outside the frame nothing moves."""
    large = made.resize(base.size, Image.Resampling.LANCZOS)
    soft = mask.filter(ImageFilter.GaussianBlur(SOFT_EDGE))
    # The blur must not leak out of the frame.
    soft.paste(0, mask=mask.point(lambda level: 255 - level))
    return Image.composite(large, base, soft)


def _broken(error: Exception) -> ProviderError:
    """Torch and the pipelines name all their troubles alike; only being out of memory passes."""
    text = f"{type(error).__name__}: {str(error)[:300]}"
    passing = "out of memory" in text.lower() or "OutOfMemory" in text
    return ProviderError(TRANSIENT if passing else MISCONFIGURED, text, permanent=not passing)
