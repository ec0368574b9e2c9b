"""Pictures composed from words: the same for the same words and seed, in the colours named."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

from generation.providers.base import Order, ProviderError
from generation.providers.local import Local
from generation.providers.local.imagine import compose

SMALL = (192, 144)


def imagined(prompt, seed=0, **more):
    one = Order("code", "imagine", prompt=prompt, seed=seed, **more)
    return Local().start(one, lambda percent, stage: None).pictures


def main_hue(prompt, seed=0):
    """The hue of the picture in degrees, weighted by how vivid each pixel is."""
    hsv = cv2.cvtColor(compose(prompt, SMALL, seed).astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    turn, weight = np.deg2rad(hsv[..., 0]), hsv[..., 1] * hsv[..., 2]
    return (
        np.rad2deg(np.arctan2((np.sin(turn) * weight).sum(), (np.cos(turn) * weight).sum())) % 360
    )


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        ("auto", (1024, 1024)),
        ("3:4", (768, 1024)),
        ("4:3", (1024, 768)),
        ("9:16", (576, 1024)),
        ("16:9", (1024, 576)),
    ],
)
def test_the_picture_has_the_shape_that_was_asked_for(aspect, size):
    picture = Image.open(BytesIO(imagined("mosaic", aspect=aspect)[0]))
    assert (picture.size, picture.format) == (size, "JPEG")


def test_the_same_words_and_seed_give_the_same_bytes():
    assert imagined("mountains at dawn", 5) == imagined("mountains at dawn", 5)


def test_another_seed_or_other_words_give_another_picture():
    one = compose("mountains", SMALL, 1)
    assert not np.array_equal(one, compose("mountains", SMALL, 2))
    assert not np.array_equal(one, compose("mountains xyzzy", SMALL, 1))


def test_several_pictures_are_the_neighbouring_seeds():
    first, second, third = imagined("mosaic", 7, count=3)
    assert len({first, second, third}) == 3
    assert second == imagined("mosaic", 8)[0]


@pytest.mark.parametrize("subject", ["mountains", "абстракция", "волны", "sea"])
@pytest.mark.parametrize(
    ("colour", "hue"), [("red", 358), ("зелёный", 137), ("blue", 222), ("фиолетовый", 272)]
)
def test_a_named_colour_rules_the_picture(subject, colour, hue):
    away = abs((main_hue(f"{colour} {subject}") - hue + 180) % 360 - 180)
    assert away < 30


def test_night_is_darker_than_day():
    for night, day in (("mountains at night", "mountains by day"), ("море ночью", "море днём")):
        assert compose(night, SMALL, 0).mean() < compose(day, SMALL, 0).mean() - 60


@pytest.mark.parametrize(
    "prompt",
    [
        "mountains", "sea at sunset", "сосновый лес", "desert", "ночной город", "поле цветов",
        "озеро утром", "снег", "дождь в городе", "stripes", "waves", "круги", "mosaic", "геометрия",
        "gradient", "туман над рекой", "a cat on a skateboard", "!?",
    ],
)  # fmt: skip
def test_every_subject_gives_a_picture_with_something_on_it(prompt):
    picture = compose(prompt, SMALL, 3)
    assert picture.shape == (144, 192, 3)
    assert picture.dtype == np.uint8
    assert picture.astype(float).std() > 12


def test_sky_is_above_and_its_mirror_below_in_a_sea():
    picture = compose("sea at sunset", SMALL, 1).astype(float)
    rows = picture.mean(axis=(1, 2))
    assert rows[60:80].mean() > rows[-20:].mean() + 15


def test_progress_rises_with_each_picture():
    told = []
    one = Order("code", "imagine", prompt="stripes", count=4, aspect="16:9")
    Local().start(one, lambda percent, stage: told.append(percent))
    assert told == sorted(set(told))
    assert len(told) == 5


@pytest.mark.parametrize(
    ("more", "code"),
    [({"prompt": " "}, "words_needed"), ({"prompt": "a", "count": 5}, "size_unknown")],
)
def test_impossible_orders_are_refused_before_the_charge(more, code):
    with pytest.raises(ProviderError, match=code):
        Local().examine(Order("code", "imagine", **more))


def test_a_tool_that_is_not_known_is_refused():
    with pytest.raises(ProviderError, match="tool_unknown"):
        Local().examine(Order("code", "sculpt"))


def test_nothing_ever_waits():
    with pytest.raises(ProviderError, match="nothing_waits"):
        Local().check("ref", Order("code", "imagine"), lambda percent, stage: None)
