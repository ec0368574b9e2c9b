"""A result that equals its input, or shows nothing, is told from one that was worked on."""

import time
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from generation.providers.base import Order
from generation.providers.local import Local
from generation.sameness import is_blank, same_picture

PHOTOS = Path(__file__).parents[1] / "photos"
NAMES = ["astronaut.png", "grace_hopper.jpg", "chelsea.png", "coffee.png", "rocket.jpg"]
NAMES += ["shirt.png", "glasses.png"]
PEOPLE = NAMES[:2]
ITEMS = {"face": "glasses.png", "neck": "necklace.png", "head": "hat.png", "body": "shirt.png"}


def photo(name):
    return (PHOTOS / name).read_bytes()


def opened(data):
    """On white, as the studio keeps it: JPEG has no transparency."""
    picture = Image.open(BytesIO(data)).convert("RGBA")
    paper = Image.new("RGBA", picture.size, "white")
    paper.alpha_composite(picture)
    return paper.convert("RGB")


def saved(picture, kind="JPEG", **how):
    out = BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


def scaled(picture, factor):
    return picture.resize((round(picture.width * factor), round(picture.height * factor)))


@cache
def worn(zone, person):
    order = Order("c", "tryon", pictures=(photo(person), photo(ITEMS[zone])), zone=zone)
    return Local().start(order, lambda percent, stage: None).pictures[0]


AGAIN = {
    "the very same": lambda picture: saved(picture, "PNG"),
    "JPEG 70": lambda picture: saved(picture, quality=70),
    "JPEG 50": lambda picture: saved(picture, quality=50),
    "WebP 60": lambda picture: saved(picture, "WEBP", quality=60),
    "90 %": lambda picture: saved(scaled(picture, 0.9), "PNG"),
    "90 % and JPEG 70": lambda picture: saved(scaled(picture, 0.9), quality=70),
    "half and JPEG 80": lambda picture: saved(scaled(picture, 0.5), quality=80),
    "twice and JPEG 85": lambda picture: saved(scaled(picture, 2), quality=85),
}


@pytest.mark.parametrize("how", AGAIN)
@pytest.mark.parametrize("name", NAMES)
def test_a_picture_that_was_only_encoded_or_scaled_is_the_same(name, how):
    assert same_picture(photo(name), AGAIN[how](opened(photo(name))))


@pytest.mark.parametrize("zone", ITEMS)
@pytest.mark.parametrize("person", PEOPLE)
def test_a_real_try_on_is_another_picture_however_it_is_encoded(person, zone):
    after = worn(zone, person)
    assert not same_picture(photo(person), after)
    assert not same_picture(photo(person), saved(opened(after), quality=70))
    assert not same_picture(photo(person), saved(scaled(opened(after), 0.9), quality=70))


@pytest.mark.parametrize("zone", ITEMS)
def test_a_try_on_is_the_same_as_itself_saved_again(zone):
    after = worn(zone, "astronaut.png")
    assert same_picture(after, saved(opened(after), quality=70))


def spotted(picture):
    side = min(picture.size) // 33
    picture.paste((200, 40, 40), (100, 100, 100 + side, 100 + side))
    return picture


def green_for_red(picture):
    red, green, blue = picture.split()
    return Image.merge("RGB", (green, red, blue))


WORK = {
    "a spot of 3 %": spotted,
    "other colours": green_for_red,
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.25),
    "gray": lambda picture: picture.convert("L").convert("RGB"),
    "mirrored": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turned": lambda picture: picture.transpose(Image.Transpose.ROTATE_180),
    "cropped": lambda picture: picture.crop((20, 20, picture.width - 20, picture.height - 20)),
    "squared": lambda picture: picture.resize((picture.width, picture.width * 2 // 3 + 100)),
}


@pytest.mark.parametrize("how", WORK)
@pytest.mark.parametrize("person", PEOPLE)
def test_small_work_is_work(person, how):
    assert not same_picture(photo(person), saved(WORK[how](opened(photo(person))), quality=90))


def test_strangers_are_not_the_same():
    pairs = [(one, two) for one in NAMES for two in NAMES if one < two]
    assert not any(same_picture(photo(one), photo(two)) for one, two in pairs)


def test_a_shift_of_a_few_levels_is_no_work():
    shifted = opened(photo("astronaut.png")).point(lambda level: min(255, level + 5))
    assert same_picture(photo("astronaut.png"), saved(shifted, quality=90))


@pytest.mark.parametrize("colour", ["black", "white", "teal", (7, 200, 90)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_one_colour_is_blank(colour, kind):
    assert is_blank(saved(Image.new("RGB", (800, 600), colour), kind))


def test_noise_on_one_colour_and_nothing_at_all_are_blank():
    noise = np.random.default_rng(1).normal(128, 6, (600, 600, 3)).clip(0, 255).astype("uint8")
    assert is_blank(saved(Image.fromarray(noise), quality=80))
    assert is_blank(saved(Image.new("RGBA", (300, 300), (255, 0, 0, 0)), "PNG"))


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_not_blank(name):
    assert not is_blank(photo(name))


def test_a_thin_line_or_a_dusky_corner_is_not_blank():
    paper = Image.new("RGB", (1024, 1024), "white")
    ImageDraw.Draw(paper).line((200, 300, 800, 320), "black", 3)
    assert not is_blank(saved(paper))
    night = Image.new("RGB", (512, 512), "black")
    night.paste((30, 30, 40), (400, 400, 512, 512))
    assert not is_blank(saved(night))


def test_two_large_pictures_are_compared_quickly():
    large = saved(scaled(opened(photo("astronaut.png")), 4), quality=90)
    started = time.process_time()
    assert same_picture(large, large)
    assert time.process_time() - started < 1
