"""Edits by the built-in provider: every operation has the effect that its words promise."""

from functools import cache
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from generation.providers.base import Order, ProviderError
from generation.providers.local import Local

PHOTOS = Path(__file__).parents[2] / "photos"


@cache
def photo(name="astronaut.png"):
    return (PHOTOS / name).read_bytes()


def order(prompt, base=None, **more):
    return Order("code", "edit", prompt=prompt, pictures=(base or photo(),), **more)


@cache
def edited(prompt, name="astronaut.png", aspect="auto"):
    one = order(prompt, photo(name), aspect=aspect)
    return Local().start(one, lambda percent, stage: None).pictures[0]


def pixels(data):
    return np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(np.float32)


def hsv(data):
    return cv2.cvtColor(pixels(data) / 255, cv2.COLOR_RGB2HSV)


def sharpness(data):
    return cv2.Laplacian(pixels(data).mean(axis=2), cv2.CV_32F).std()


def size(data):
    return Image.open(BytesIO(data)).size


def test_brighter_and_darker_move_the_mean():
    plain = pixels(photo()).mean()
    assert pixels(edited("ярче")).mean() > plain + 10
    assert pixels(edited("darker")).mean() < plain - 10


def test_slightly_is_less_than_a_lot():
    little, much = (pixels(edited(p)).mean() for p in ("slightly brighter", "a lot brighter"))
    assert pixels(photo()).mean() + 3 < little < much - 10


def test_contrast_spreads_the_tones():
    plain = pixels(photo()).std()
    assert pixels(edited("more contrast")).std() > plain * 1.05
    assert pixels(edited("уменьши контраст")).std() < plain * 0.95


def test_warmer_is_redder_and_colder_bluer():
    def balance(data):
        return (pixels(data)[..., 0] - pixels(data)[..., 2]).mean()

    assert balance(edited("теплее")) > balance(photo()) + 6
    assert balance(edited("colder")) < balance(photo()) - 6


def test_saturation_grows_and_black_and_white_has_none():
    plain = hsv(photo())[..., 1].mean()
    assert hsv(edited("more saturated"))[..., 1].mean() > plain + 0.04
    assert hsv(edited("чёрно-белое"))[..., 1].mean() < 0.02


def test_sepia_is_brown_everywhere():
    red, green, blue = (pixels(edited("сепия"))[..., i].mean() for i in range(3))
    assert red > green + 8 > blue + 20


def test_sharpen_denoise_and_blur_change_the_detail():
    plain = sharpness(photo())
    assert sharpness(edited("sharpen")) > plain * 1.2
    assert sharpness(edited("denoise")) < plain * 0.95
    assert sharpness(edited("размой")) < plain * 0.5


def test_a_vignette_darkens_corners_and_spares_the_middle():
    before, after = pixels(photo()), pixels(edited("vignette"))
    assert after[:40, :40].mean() < before[:40, :40].mean() * 0.75
    assert abs(after[220:290, 220:290].mean() - before[220:290, 220:290].mean()) < 3


def test_upscaling_doubles_the_size():
    assert size(edited("увеличь в 2 раза")) == (1024, 1024)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("crop to 16:9", (512, 288)),
        ("обрежь 3:4", (384, 512)),
        ("pad to 16:9", (910, 512)),
        ("rotate right", (512, 512)),
    ],
)
def test_frames_get_the_shape_that_was_asked_for(prompt, expected):
    assert size(edited(prompt)) == expected


def test_a_crop_keeps_the_face():
    from generation.providers.local.body import find_face

    assert find_face(np.uint8(pixels(edited("crop to 16:9")))) is not None


def test_padding_keeps_the_whole_picture_in_the_middle():
    middle = pixels(edited("pad to 16:9"))[:, 199:711]
    assert np.abs(middle - pixels(photo())).mean() < 3


def test_mirror_and_quarter_turns_only_move_pixels():
    before = pixels(photo())
    assert np.abs(pixels(edited("mirror")) - before[:, ::-1]).mean() < 3
    assert np.abs(pixels(edited("поверни вправо")) - np.rot90(before, -1)).mean() < 3


def test_a_small_turn_leaves_no_empty_corners():
    after = pixels(edited("rotate 10 degrees", "rocket.jpg"))
    assert after.shape[0] < 427
    assert after.shape[1] < 640
    assert abs(after.shape[1] / after.shape[0] - 640 / 427) < 0.02


def test_removing_the_background_leaves_the_person_on_transparency():
    picture = Image.open(BytesIO(edited("remove the background")))
    alpha = np.asarray(picture)[..., 3]
    assert picture.format == "PNG"
    assert picture.mode == "RGBA"
    assert alpha[90:160, 195:255].min() > 240  # the face
    assert alpha[10:60, 310:370].max() < 15  # the wall


def test_a_new_background_has_the_named_colour():
    after = pixels(edited("замени фон на синий"))
    assert np.abs(after[10:60, 310:370].reshape(-1, 3).mean(0) - [44, 92, 200]).max() < 8
    assert np.abs(after[90:160, 195:255] - pixels(photo())[90:160, 195:255]).mean() < 4


def test_a_blurred_background_leaves_the_face_sharp():
    before, after = pixels(photo()), pixels(edited("blur the background"))
    assert np.abs(after[90:160, 200:250] - before[90:160, 200:250]).mean() < 4
    assert after[100:260, 380:440].std() < before[100:260, 380:440].std() * 0.8


def test_hair_is_recoloured_and_the_face_is_not():
    before, after = pixels(photo()), pixels(edited("перекрась волосы в синий"))
    crown = after[30:60, 200:255].reshape(-1, 3).mean(axis=0)
    assert crown[2] > crown[0] + 25
    assert np.abs(after[110:160, 205:245] - before[110:160, 205:245]).mean() < 4


def test_clothes_are_recoloured_and_the_wall_is_not():
    before, after = pixels(photo()), pixels(edited("make the suit green"))
    chest = after[300:340, 120:220].reshape(-1, 3).mean(axis=0)
    assert chest[1] > chest[0] + 30
    assert np.abs(after[:100, 310:370] - before[:100, 310:370]).mean() < 3


def test_the_sky_takes_a_colour():
    sky = pixels(edited("make the sky pink", "rocket.jpg"))[60:120, 200:280].reshape(-1, 3).mean(0)
    assert sky[0] > sky[1] + 30


def test_a_colour_is_swapped_for_another():
    after = pixels(edited("make the orange blue"))
    sleeve = after[260:300, 60:110].reshape(-1, 3).mean(axis=0)
    assert sleeve[2] > sleeve[0] + 40


@pytest.mark.parametrize("text", ["Hello", "Привет"])
def test_a_caption_is_written_below_and_in_its_own_letters(text):
    before, after = pixels(photo()), pixels(edited(f'add text "{text}"'))
    written = (after[400:] > 244).all(axis=2) & (before[400:] < 200).any(axis=2)
    assert written.sum() > 900
    assert np.abs(after[:300] - before[:300]).mean() < 3


def test_cyrillic_letters_differ_from_each_other():
    assert edited('текст "ШЩЫ"') != edited('текст "ЖЮЯ"')


def test_several_wishes_are_all_done_in_order():
    after = edited("make it black and white, crop to 1:1 and add text 'Hello'", "rocket.jpg")
    assert size(after) == (427, 427)
    assert hsv(after)[..., 1].mean() < 0.03


def test_the_chosen_aspect_is_honoured():
    assert size(edited("ярче", aspect="3:4")) == (384, 512)


def test_the_same_edit_gives_the_same_bytes():
    one = order("убери фон")
    assert Local().start(one, lambda *a: None).pictures[0] == edited("убери фон")


@pytest.mark.parametrize("prompt", ["add a dragon", "сделай ярче и добавь кота", "do not crop"])
def test_what_is_not_understood_is_refused_before_the_charge(prompt):
    with pytest.raises(ProviderError) as refusal:
        Local().examine(order(prompt))
    assert refusal.value.code == "not_understood"
    assert refusal.value.data["words"]


def test_what_is_understood_passes():
    Local().examine(order("убери фон, сделай ярче"))


@pytest.mark.parametrize(
    ("prompt", "name"), [("hair red", "coffee.png"), ("небо розовое", "chelsea.png")]
)
def test_a_region_that_is_not_there_is_refused_before_the_charge(prompt, name):
    with pytest.raises(ProviderError, match="region_not_found"):
        Local().examine(order(prompt, photo(name)))


def test_an_edit_that_changes_nothing_says_so():
    with pytest.raises(ProviderError, match="unchanged"):
        Local().start(order("crop to 1:1"), lambda percent, stage: None)


def test_a_picture_too_large_to_enlarge_is_refused_before_the_charge():
    file = BytesIO()
    Image.new("RGB", (2600, 40)).save(file, "PNG")
    with pytest.raises(ProviderError, match="too_large_to_enlarge"):
        Local().examine(order("upscale", file.getvalue()))


def test_progress_rises_with_each_wish():
    told = []
    Local().start(order("ярче, теплее, сепия"), lambda percent, stage: told.append(percent))
    assert told == sorted(set(told))
    assert len(told) >= 5
