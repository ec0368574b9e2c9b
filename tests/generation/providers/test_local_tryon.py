"""Try-on by the built-in provider: what changes, where, and what is refused before it starts."""

from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generation.providers.base import Order, ProviderError
from generation.providers.local import STAGES, Local, locate

PHOTOS = Path(__file__).parents[2] / "photos"
ITEMS = {
    "body": "shirt.png",
    "head": "hat.png",
    "face": "glasses.png",
    "neck": "necklace.png",
    "hands": "watch.png",
    "legs": "trousers.png",
}


@cache
def photo(name):
    return (PHOTOS / name).read_bytes()


def order(zone="body", person="astronaut.png", item=None, **more):
    pictures = (photo(person), item or photo(ITEMS[zone]))
    return Order("code", "tryon", pictures=pictures, zone=zone, **more)


@cache
def worn(zone, person="astronaut.png", box=None):
    done = Local().start(order(zone, person, box=box), lambda percent, stage: None)
    return done.pictures[0]


def pixels(data):
    return np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(int)


def frame(box, shape):
    """The box as a mask, grown by two pixels."""
    height, width = shape[:2]
    mask = np.zeros((height, width), bool)
    left, top = int(box[0] * width) - 2, int(box[1] * height) - 2
    right, bottom = int((box[0] + box[2]) * width) + 3, int((box[1] + box[3]) * height) + 3
    mask[max(0, top) : bottom, max(0, left) : right] = True
    return mask


@pytest.mark.parametrize("person", ["astronaut.png", "grace_hopper.jpg"])
@pytest.mark.parametrize("zone", ["body", "head", "face", "neck"])
def test_only_the_zone_changes_and_it_does(zone, person):
    before, after = pixels(photo(person)), pixels(worn(zone, person))
    inside = frame(locate(photo(person), zone).box, before.shape)
    changed = np.abs(before - after).max(axis=2)
    assert before.shape == after.shape
    assert changed[~inside].max(initial=0) == 0
    assert (changed[inside] > 24).mean() > 0.04


@pytest.mark.parametrize("zone", list(ITEMS))
def test_a_drawn_frame_is_obeyed_in_every_zone(zone):
    box = (0.55, 0.5, 0.3, 0.35)
    before, after = pixels(photo("astronaut.png")), pixels(worn(zone, box=box))
    inside = frame(box, before.shape)
    changed = np.abs(before - after).max(axis=2)
    assert changed[~inside].max() == 0
    assert (changed[inside] > 24).mean() > 0.04


def test_the_shirt_takes_the_place_of_the_orange_suit():
    after = pixels(worn("body"))
    chest = after[300:340, 120:220].reshape(-1, 3).mean(axis=0)
    assert chest[2] > chest[0] + 40  # blue over red: the suit was the other way round


def test_the_face_stays_in_front_of_the_collar():
    before, after = pixels(photo("astronaut.png")), pixels(worn("body"))
    face = (slice(60, 172), slice(190, 260))
    assert np.abs(before[face] - after[face]).max() <= 3  # the collar's shadow, no more


def test_the_helmet_held_before_the_suit_stays_before_the_shirt():
    before, after = pixels(photo("astronaut.png")), pixels(worn("body"))
    helmet = (slice(410, 500), slice(320, 420))
    assert np.abs(before[helmet] - after[helmet]).mean() < 6


def test_the_eyes_are_seen_through_the_glasses():
    before, after = pixels(photo("astronaut.png")), pixels(worn("face"))
    pupils = [(slice(99, 106), slice(198, 206)), (slice(100, 107), slice(243, 251))]
    assert all(np.abs(before[p] - after[p]).mean() < 25 for p in pupils)


def test_the_same_order_gives_the_same_bytes():
    again = Local().start(order("body"), lambda percent, stage: None)
    assert again.pictures[0] == worn("body")
    assert (again.model, again.cost) == ("local-1", 0)


def test_the_result_is_a_lossless_png():
    assert Image.open(BytesIO(worn("body"))).format == "PNG"


def test_progress_rises_through_known_stages():
    told = []
    Local().start(order("face"), lambda percent, stage: told.append((percent, stage)))
    percents = [percent for percent, _ in told]
    assert percents == sorted(set(percents))
    assert 0 < percents[0] < percents[-1] < 100
    assert {stage for _, stage in told} <= set(STAGES)
    assert len(told) >= 5


def test_a_report_that_raises_stops_the_work():
    def report(percent, stage):
        raise InterruptedError(stage)

    with pytest.raises(InterruptedError):
        Local().start(order("face"), report)


def test_a_photo_without_a_person_is_located_nowhere():
    fit = locate(photo("coffee.png"), "body")
    assert fit.box is None
    assert fit.reason == "no_person"


@pytest.mark.parametrize("zone", ["legs", "hands"])
def test_what_the_photo_does_not_show_is_said(zone):
    assert locate(photo("grace_hopper.jpg"), zone).reason == f"no_{zone}"


def test_legs_are_found_below_a_person_who_is_far_enough():
    person = Image.new("RGB", (520, 1040), (190, 190, 186))
    person.paste(Image.open(PHOTOS / "astronaut.png").resize((420, 420)), (60, 40))
    file = BytesIO()
    person.save(file, "PNG")
    left, top, width, height = locate(file.getvalue(), "legs").box
    assert 0.35 < top < 0.55
    assert top + height > 0.9
    assert left < 244 / 520 < left + width


def test_nobody_is_refused_before_the_charge_but_a_frame_helps():
    with pytest.raises(ProviderError) as refusal:
        Local().examine(order("body", "coffee.png"))
    assert refusal.value.code == "no_person"
    assert refusal.value.permanent
    Local().examine(order("body", "coffee.png", box=(0.2, 0.2, 0.5, 0.5)))


def test_an_item_photo_with_nothing_on_it_is_refused_before_the_charge():
    file = BytesIO()
    Image.new("RGB", (300, 300), (240, 240, 240)).save(file, "PNG")
    with pytest.raises(ProviderError, match="item_not_found"):
        Local().examine(order("body", item=file.getvalue()))


def test_a_broken_photo_is_unreadable():
    with pytest.raises(ProviderError, match="unreadable"):
        Local().examine(order("body", item=b"\x89PNG\r\n\x1a\n" + b"x" * 50))


def test_a_cut_out_item_with_transparency_needs_no_cutting():
    shirt = Image.new("RGBA", (200, 240), (0, 0, 0, 0))
    shirt.paste((200, 30, 60, 255), (30, 10, 170, 230))
    file = BytesIO()
    shirt.save(file, "PNG")
    done = Local().start(order("body", item=file.getvalue()), lambda percent, stage: None)
    chest = pixels(done.pictures[0])[300:340, 140:220].reshape(-1, 3).mean(axis=0)
    assert chest[0] > 1.8 * chest[1]


def test_a_suggested_frame_left_as_it_is_changes_nothing():
    box = locate(photo("astronaut.png"), "face").box
    assert worn("face", box=box) == worn("face")
