"""Pictures by diffusers from tiny random weights: nothing is downloaded, nothing is faked."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from generation.providers import diffusers as adapter
from generation.providers.base import Config, Order, ProviderError
from generation.providers.diffusers import Diffusers
from tests.conftest import picture_file

PHOTOS = Path("tests/photos")
IMAGINE = Order("c1", "imagine", "a lighthouse", aspect="16:9", seed=7)
EDIT = Order("c2", "edit", "make it night", (picture_file("teal", size=(96, 64)),), seed=7)
STEPS = {"num_inference_steps": 4}


def quiet(percent: int, stage: str) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Stable Diffusion of a few thousand parameters, saved as a folder."""
    why = "needs the optional extra: pip install -r requirements/diffusers.txt"
    for package in ("torch", "diffusers", "transformers"):
        pytest.importorskip(package, reason=why)
    folder = tmp_path_factory.mktemp("tiny-diffusion")
    tiny_pipeline(folder).save_pretrained(folder)
    return str(folder)


def tiny_pipeline(folder: Path) -> Any:
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    torch.manual_seed(0)
    return StableDiffusionPipeline(
        vae=tiny_vae(), unet=tiny_unet(),
        scheduler=DDIMScheduler(clip_sample=False, steps_offset=1),
        text_encoder=tiny_reader(), tokenizer=tiny_words(),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def tiny_vae() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 8), norm_num_groups=4, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip


def tiny_unet() -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=16, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        cross_attention_dim=16, attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )  # fmt: skip


def tiny_reader() -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(
        vocab_size=len(letters()), hidden_size=16, intermediate_size=32, projection_dim=16,
        num_attention_heads=2, num_hidden_layers=1, max_position_embeddings=77,
        bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    return CLIPTextModel(config)


def tiny_words() -> Any:
    from transformers import CLIPTokenizer

    return CLIPTokenizer(vocab=letters(), merges=[], model_max_length=77)


def letters() -> dict[str, int]:
    """A vocabulary of single letters, within words and at their ends."""
    alphabet = "abcdefghijklmnopqrstuvwxyz,."
    tokens = ["<|startoftext|>", "<|endoftext|>", *alphabet, *(f"{c}</w>" for c in alphabet)]
    return {token: number for number, token in enumerate(tokens)}


def studio(weights: str, **options: Any) -> Diffusers:
    usual = {
        "model": weights, "pixels": 64 * 64, "local_only": True, "device": "cpu",
        "fields": dict.fromkeys(Diffusers.tools, STEPS),
    }  # fmt: skip
    return Diffusers(Config(options=usual | options))


def opened(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture)).convert("RGB")


def test_words_become_a_picture_step_by_step(weights):
    seen: list[tuple[int, str]] = []
    done = studio(weights).start(IMAGINE, lambda *step: seen.append(step))
    (picture,) = done.pictures
    assert opened(picture).size == (88, 48)
    assert [p for p, stage in seen if stage == "painting"] == [26, 47, 69, 90]
    assert done.model == weights.rpartition("/")[2]


def test_the_same_seed_gives_the_same_picture_and_another_another(weights):
    tiny = studio(weights)
    first, second = tiny.start(replace(IMAGINE, count=2), quiet).pictures
    assert tiny.start(IMAGINE, quiet).pictures == (first,)
    assert first != second
    assert tiny.start(replace(IMAGINE, seed=8), quiet).pictures == (second,)


def test_an_edit_begins_with_the_photo(weights):
    tiny = studio(weights, fields={"edit": STEPS | {"strength": 0.5}})
    seen: list[int] = []
    (teal,) = tiny.start(EDIT, lambda percent, stage: seen.append(percent)).pictures
    red = replace(EDIT, pictures=(picture_file("red", size=(96, 64)),))
    assert opened(teal).size == (80, 56)
    assert tiny.start(red, quiet).pictures != (teal,)
    assert seen == [1, 47, 90, 92]


def test_an_edit_in_a_frame_leaves_the_rest_as_it_is(weights):
    (picture,) = studio(weights).start(replace(EDIT, box=(0.5, 0.0, 0.5, 1.0)), quiet).pictures
    before, after = opened(EDIT.pictures[0]), opened(picture)
    assert after.size == before.size
    left = ImageChops.difference(before, after).crop((0, 0, 48, 64))
    right = ImageChops.difference(before, after).crop((56, 8, 90, 56))
    assert left.getbbox() is None
    assert right.getbbox() is not None


def test_a_try_on_paints_over_a_draft_with_the_item(weights):
    person, item = (PHOTOS / "astronaut.png").read_bytes(), (PHOTOS / "shirt.png").read_bytes()
    order = Order("c3", "tryon", "", (person, item), box=(0.25, 0.5, 0.5, 0.5))
    (picture,) = studio(weights).start(order, quiet).pictures
    changed = ImageChops.difference(opened(person), opened(picture)).getbbox()
    assert opened(picture).size == opened(person).size
    assert changed is not None
    assert changed[0] >= 0.25 * 512 - 1
    assert changed[1] >= 0.5 * 512 - 1


def test_the_tasks_of_one_model_share_its_weights(weights):
    tiny = studio(weights)
    tiny.start(IMAGINE, quiet)
    tiny.start(EDIT, quiet)
    text, image = tiny._pipelines.values()
    assert text.unet is image.unet


def test_a_job_that_is_no_longer_ours_stops_at_the_next_step(weights):
    seen: list[int] = []

    def lost(percent: int, stage: str) -> None:
        seen.append(percent)
        if stage == "painting":
            raise LookupError

    with pytest.raises(LookupError):
        studio(weights).start(IMAGINE, lost)
    assert len(seen) == 2


def test_weights_that_are_not_there_are_for_staff(weights, tmp_path):
    with pytest.raises(ProviderError) as caught:
        studio(str(tmp_path)).start(IMAGINE, quiet)
    assert (caught.value.code, caught.value.accepted) == ("misconfigured", False)


def test_a_field_that_a_pipeline_cannot_use_is_for_staff(weights):
    with pytest.raises(ProviderError) as caught:
        studio(weights, fields={"imagine": {"num_inference_steps": "many"}}).start(IMAGINE, quiet)
    assert caught.value.code == "misconfigured"


@pytest.mark.parametrize(
    ("said", "code", "permanent"),
    [("CUDA out of memory.", "transient", False), ("expected Half", "misconfigured", True)],
)
def test_being_out_of_memory_passes(weights, monkeypatch, said, code, permanent):
    def fail(*_: Any) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(Diffusers, "_painted", fail)
    with pytest.raises(ProviderError) as caught:
        studio(weights).start(IMAGINE, quiet)
    assert (caught.value.code, caught.value.permanent) == (code, permanent)


def test_without_the_extra_staff_are_told_what_to_install(monkeypatch):
    monkeypatch.setattr(adapter, "find_spec", lambda name: None)
    with pytest.raises(ProviderError) as caught:
        studio("anything").start(IMAGINE, quiet)
    assert caught.value.code == "misconfigured"
    assert "requirements/diffusers.txt" in caught.value.detail


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (replace(IMAGINE, prompt=" "), "words_needed"),
        (replace(IMAGINE, count=5), "size_unknown"),
        (replace(EDIT, pictures=()), "photo_needed"),
        (replace(EDIT, pictures=EDIT.pictures * 2), "invalid_input"),
        (replace(EDIT, tool="tryon"), "two_photos_needed"),
        (replace(EDIT, tool="dance"), "tool_unknown"),
    ],
)
def test_what_it_cannot_do_is_said_before_anything_is_charged(monkeypatch, order, code):
    monkeypatch.setattr(adapter, "find_spec", lambda name: object())
    with pytest.raises(ProviderError) as caught:
        studio("anything").examine(order)
    assert caught.value.code == code


def test_a_tool_without_a_model_is_for_staff(monkeypatch):
    monkeypatch.setattr(adapter, "find_spec", lambda name: object())
    with pytest.raises(ProviderError) as caught:
        Diffusers(Config()).examine(IMAGINE)
    assert (caught.value.code, caught.value.detail) == ("misconfigured", "no model for imagine")
