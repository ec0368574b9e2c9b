"""Hints: drawn pictures that are fine, dark, blurred or tiny."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from generation.quality import hints


def scene(size: tuple[int, int] = (640, 480)) -> Image.Image:
    """A lit room: a gradient with texture, and a few things with edges."""
    picture = Image.linear_gradient("L").resize(size).point(lambda level: 60 + level // 2)
    picture = Image.blend(picture, Image.effect_noise(size, 40), 0.3).convert("RGB")
    draw = ImageDraw.Draw(picture)
    for step in range(1, 9):
        x, y = size[0] * step // 10, size[1] * step // 12
        draw.ellipse((x - 20, y - 20, x + 25, y + 40), fill=(250 - 20 * step, 40, 25 * step))
    return picture


def test_a_good_picture_gets_no_hint():
    assert hints(scene(), (640, 480)) == ()


@pytest.mark.parametrize("share", [0.12, 0.2])
def test_a_darkened_picture_is_dark_and_nothing_else(share):
    assert hints(ImageEnhance.Brightness(scene()).enhance(share), (640, 480)) == ("dark",)


def test_a_dim_picture_with_a_bright_subject_is_not_dark():
    picture = ImageEnhance.Brightness(scene()).enhance(0.1)
    ImageDraw.Draw(picture).rectangle((200, 100, 440, 380), fill=(200, 180, 170))
    assert "dark" not in hints(picture, picture.size)


@pytest.mark.parametrize("radius", [4, 8, 16])
def test_a_blurred_picture_is_blurred_and_nothing_else(radius):
    assert hints(scene().filter(ImageFilter.GaussianBlur(radius)), (640, 480)) == ("blurred",)


def test_a_sharp_subject_vouches_for_a_soft_background():
    picture = scene().filter(ImageFilter.GaussianBlur(10))
    picture.paste(scene().crop((200, 120, 440, 360)), (200, 120))
    assert hints(picture, picture.size) == ()


def test_a_dark_and_blurred_picture_is_told_both():
    picture = ImageEnhance.Brightness(scene().filter(ImageFilter.GaussianBlur(8))).enhance(0.2)
    assert hints(picture, picture.size) == ("dark", "blurred")


def test_a_plain_wall_is_not_called_blurred():
    assert hints(Image.new("RGB", (600, 600), "beige"), (600, 600)) == ()


def test_a_dark_garment_on_nothing_is_not_a_dark_photo():
    picture = Image.new("RGBA", (600, 600), (0, 0, 0, 0))
    ImageDraw.Draw(picture).rectangle((150, 100, 450, 500), fill=(15, 15, 18, 255))
    assert hints(picture, picture.size) == ()


@pytest.mark.parametrize(("size", "expected"), [((150, 150), ("tiny",)), ((200, 260), ())])
def test_a_tiny_picture_is_told_by_the_side_that_is_kept(size, expected):
    assert hints(scene(size), size) == expected


def test_a_small_preview_of_a_large_picture_is_not_tiny():
    assert hints(scene((640, 150)), (2048, 480)) == ()
