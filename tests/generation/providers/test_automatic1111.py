"""AUTOMATIC1111 over real HTTP: what is sent, what comes back, and what each refusal means."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from generation.providers.automatic1111 import Automatic1111
from generation.providers.base import Config, Done, Order, ProviderError
from tests.conftest import picture_file
from tests.vendors.automatic1111 import IMG, INTERRUPT, PROGRESS, TXT, Automatic1111Stub
from tests.vendors.stub import HANG, HTML, RESET, Answer

PHOTOS = Path("tests/photos")
PERSON = picture_file("teal")
CODE = "8513166f-9e84-40a5-80eb-b2effbe43fe3"
EDIT = Order(CODE, "edit", "make it night", (PERSON,), seed=7)
IMAGINE = Order(CODE, "imagine", "a lighthouse", aspect="16:9", seed=7)


def quiet(percent: int, stage: str) -> None:
    """Nobody watches."""


@pytest.fixture
def vendor():
    with Automatic1111Stub() as stub:
        yield stub
    assert stub.mistakes == []


@pytest.fixture
def forge(vendor: Automatic1111Stub) -> Automatic1111:
    return forge_at(vendor)


def forge_at(vendor: Automatic1111Stub, key: str = "", **options: Any) -> Automatic1111:
    usual = {"read_seconds": 0.4, "poll_seconds": 0.05}
    return Automatic1111(Config(vendor.url, key, usual | options))


def refused(provider: Automatic1111, order: Order = IMAGINE) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.start(order, quiet)
    return caught.value


def test_words_become_a_picture(vendor, forge):
    done = forge.start(IMAGINE, quiet)
    (sent,) = vendor.orders
    assert (sent["prompt"], sent["seed"]) == ("a lighthouse", 7)
    assert (sent["width"], sent["height"]) == (1024, 576)
    assert done == Done((vendor.results[0],), "dreamer-8", None)


def test_several_pictures_come_one_after_another(vendor, forge):
    assert forge.start(replace(IMAGINE, count=3), quiet).pictures == tuple(vendor.results[:3])


def test_an_edit_sends_the_photo_and_keeps_its_shape(vendor, forge):
    done = forge.start(EDIT, quiet)
    (sent,) = vendor.orders
    assert vendor.init() == PERSON
    assert (sent["width"], sent["height"], sent["denoising_strength"]) == (688, 856, 0.6)
    assert done.pictures == (vendor.results[0],)


def test_a_try_on_paints_over_a_draft_inside_the_frame(vendor, forge):
    person, item = (PHOTOS / "astronaut.png").read_bytes(), (PHOTOS / "shirt.png").read_bytes()
    box = (0.25, 0.5, 0.5, 0.5)
    forge.start(Order(CODE, "tryon", "put it on", (person, item), box=box), quiet)
    before, draft = (
        Image.open(io.BytesIO(data)).convert("RGB") for data in (person, vendor.init())
    )
    mask = Image.open(io.BytesIO(vendor.mask()))
    width, height = mask.size
    assert draft.size == mask.size == before.size
    assert draft.tobytes() != before.tobytes()
    assert mask.getpixel((width // 2, height - 9)) == 255
    assert mask.getpixel((5, 5)) == 0
    assert vendor.orders[0]["prompt"].startswith("photo of a person")


def test_models_fields_and_words_are_data(vendor):
    options = {
        "models": {"imagine": "anything-v5"}, "fields": {"imagine": {"steps": 8}},
        "sizes": {"16:9": [640, 360]}, "prompts": {"imagine": "by heart"},
    }  # fmt: skip
    forge_at(vendor, **options).start(IMAGINE, quiet)
    (sent,) = vendor.orders
    assert sent["override_settings"] == {"sd_model_checkpoint": "anything-v5"}
    assert (sent["steps"], sent["width"], sent["prompt"]) == (8, 640, "by heart")


@pytest.mark.parametrize(
    ("told", "percent"),
    [
        ({"progress": 0.5, "current_task": CODE}, 47),
        ({"progress": 0.5}, 47),
        ({"progress": 0.9, "current_task": "somebody's"}, 5),
        ({"progress": None}, 5),
    ],
)
def test_progress_is_reported_while_it_paints(vendor, forge, told, percent):
    vendor.free.clear()
    vendor.progress |= told
    seen: list[int] = []

    def watch(now: int, stage: str) -> None:
        seen.append(now)
        if stage == "painting":
            vendor.free.set()

    forge.start(IMAGINE, watch)
    assert (seen[:2], seen[-1]) == ([1, percent], 92)


@pytest.mark.parametrize(("task", "stops"), [(CODE, 1), ("somebody's", 0), (None, 0)])
def test_a_job_that_is_no_longer_ours_stops_only_itself(vendor, forge, task, stops):
    vendor.free.clear()
    vendor.progress["current_task"] = task

    def lost(percent: int, stage: str) -> None:
        if stage == "painting":
            raise LookupError

    with pytest.raises(LookupError):
        forge.start(IMAGINE, lost)
    assert len(vendor.requests_to(INTERRUPT)) == stops


def test_a_bar_that_cannot_be_read_spoils_nothing(vendor, forge):
    vendor.free.clear()
    vendor.script(PROGRESS, HTML, Answer(500))

    def watch(percent: int, stage: str) -> None:
        if len(vendor.requests_to(PROGRESS)) == 2:
            vendor.free.set()

    assert forge.start(IMAGINE, watch).pictures == (vendor.results[0],)


@pytest.mark.parametrize(
    ("behaviour", "code", "accepted"),
    [
        (HANG, "outcome_unknown", None),
        (RESET, "outcome_unknown", None),
        (HTML, "outcome_unknown", None),
        (Answer(504), "outcome_unknown", None),
        (Answer(401), "misconfigured", False),
        (Answer(402), "no_credits", False),
        (Answer(404, {"detail": "Sampler not found"}), "misconfigured", False),
        (Answer(422, {"detail": [{"msg": "steps"}]}), "misconfigured", False),
        (Answer(429), "rate_limited", False),
        (Answer(500, {"error": "OutOfMemoryError", "errors": "CUDA"}), "transient", False),
        (Answer(500, {"error": "UnidentifiedImageError"}), "invalid_input", False),
        (Answer(500, {"detail": "Invalid encoded image"}), "invalid_input", False),
        (Answer(503), "transient", False),
        (Answer(200, {"images": []}), "no_image", True),
        (Answer(200, {"images": None}), "no_image", True),
        (Answer(200, {"images": ["%%%"]}), "no_image", True),
        (Answer(200, {"images": [base64.b64encode(b"<html>").decode()]}), "no_image", True),
        (Answer(200, {"error": "busy"}), "no_image", True),
    ],
)
def test_what_goes_wrong_has_a_kind(vendor, forge, behaviour, code, accepted):
    vendor.script(TXT, behaviour)
    error = refused(forge)
    assert (error.code, error.accepted) == (code, accepted)
    assert len(vendor.requests_to(TXT)) == 1


def test_the_failure_of_an_edit_is_told_the_same_way(vendor, forge):
    vendor.script(IMG, Answer(500, {"error": "OutOfMemoryError", "errors": "x" * 5000}))
    error = refused(forge, EDIT)
    assert (error.code, error.permanent) == ("transient", False)
    assert len(error.detail) <= 500


def test_a_data_address_is_a_picture_too(vendor, forge):
    image = "data:image/png;base64," + base64.b64encode(vendor.results[1]).decode()
    vendor.script(TXT, Answer(200, {"images": [image], "info": "not json"}))
    assert forge.start(IMAGINE, quiet) == Done((vendor.results[1],), "automatic1111", None)


def test_a_server_that_is_down_took_nothing():
    error = refused(Automatic1111(Config("http://127.0.0.1:9")))
    assert (error.code, error.accepted) == ("transient", False)


def test_the_password_is_sent(vendor):
    vendor.password = "me:secret"
    assert refused(forge_at(vendor)).code == "misconfigured"
    assert forge_at(vendor, "me:secret").start(IMAGINE, quiet).pictures


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (replace(IMAGINE, prompt=" "), "words_needed"),
        (replace(IMAGINE, count=5), "size_unknown"),
        (replace(EDIT, pictures=()), "photo_needed"),
        (replace(EDIT, pictures=(PERSON, PERSON)), "invalid_input"),
        (replace(EDIT, tool="tryon"), "two_photos_needed"),
        (replace(EDIT, tool="dance"), "tool_unknown"),
    ],
)
def test_what_it_cannot_do_is_said_before_anything_is_charged(forge, order, code):
    with pytest.raises(ProviderError) as caught:
        forge.examine(order)
    assert caught.value.code == code
