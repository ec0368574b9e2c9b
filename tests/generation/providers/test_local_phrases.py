"""What the built-in provider understands of plain requests, and what it admits it does not."""

from time import perf_counter

import pytest

from generation.providers.local.phrases import parse

UNDERSTOOD = {
    "убери фон и сделай ярче": ["background", "brightness"],
    "remove the background": ["background"],
    "make the background transparent": ["background"],
    "без фона": ["background"],
    "replace the background with white": ["background"],
    "Сделай белый фон": ["background"],
    "navy background": ["background"],
    "размой фон": ["blur_background"],
    "blur the background a lot": ["blur_background"],
    "make it black and white, crop to 1:1 and add text 'Hello'": ["grey", "crop", "caption"],
    "Сделай чёрно-белым": ["grey"],
    "brighter": ["brightness"],
    "сделай темнее": ["brightness"],
    "уменьши контраст": ["contrast"],
    "warmer and more saturated": ["warmth", "saturation"],
    "холоднее, сочнее": ["warmth", "saturation"],
    "sepia with vignette": ["sepia", "vignette"],
    "сепия и виньетка": ["sepia", "vignette"],
    "sharpen and denoise": ["sharpen", "denoise"],
    "добавь резкость, убери шум": ["sharpen", "denoise"],
    "blur": ["blur"],
    "upscale x2": ["upscale"],
    "увеличь в 2 раза": ["upscale"],
    "обрежь до 16:9": ["crop"],
    "сделай квадрат": ["crop"],
    "pad to square": ["pad"],
    "поверни на 15 градусов влево": ["rotate"],
    "turn the photo upside down": ["rotate"],
    "mirror it": ["mirror"],
    "отрази по вертикали": ["mirror"],
    "перекрась волосы в рыжий": ["recolour"],
    "make the shirt blue": ["recolour"],
    "сделай небо розовым": ["recolour"],
    "make the red blue": ["swap_colour"],
    "замени синий на красный": ["swap_colour"],
    "подпиши «Лето, 2026»": ["caption"],
}
REFUSALS = {
    "не трогай фон, сделай теплее": ["warmth"],
    "добавь тепла": ["warmth"],
    "don't blur, make it slightly darker": ["brightness"],
    "make it brighter without blur": ["brightness"],
    "keep the background, add a vignette": ["vignette"],
    "не размывай фон, просто убери шум": ["denoise"],
    "do not crop": [],
}


@pytest.mark.parametrize("prompt", UNDERSTOOD)
def test_plain_requests_are_understood_in_both_languages(prompt):
    operations, unknown = parse(prompt)
    assert [operation.name for operation in operations] == UNDERSTOOD[prompt]
    assert unknown == []


@pytest.mark.parametrize("prompt", REFUSALS)
def test_what_is_refused_is_not_done(prompt):
    operations, unknown = parse(prompt)
    assert [operation.name for operation in operations] == REFUSALS[prompt]
    assert unknown == []


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        ("add a dragon", "dragon"),
        ("make it brighter and add a cat", "cat"),
        ("сделай ярче и добавь кота", "кота"),
        ("сделай меня красивой", "красивой"),
    ],
)
def test_the_part_that_is_not_understood_is_named(prompt, word):
    assert any(word in part for part in parse(prompt)[1])


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ("slightly brighter", "brighter"),
        ("чуть ярче", "ярче"),
        ("ярче", "намного ярче"),
        ("brighter by 10%", "brighter by 40%"),
        ("контраст на 10% выше", "контраст на 50% выше"),
    ],
)
def test_words_of_strength_count(weaker, stronger):
    assert 0 < parse(weaker)[0][0].amount < parse(stronger)[0][0].amount


def test_less_is_the_opposite_of_more():
    assert parse("darker")[0][0].amount < 0 < parse("ярче")[0][0].amount
    assert parse("контраст на 20% ниже")[0][0].amount < 0


@pytest.mark.parametrize(
    ("prompt", "degrees"),
    [
        ("rotate left", -90),
        ("поверни направо", 90),
        ("rotate 30 degrees", 30),
        ("поверни на 45° влево", -45),
        ("rotate it 45° clockwise", 45),
    ],
)
def test_turns_know_their_direction(prompt, degrees):
    assert parse(prompt)[0][0].values == {"degrees": degrees}


def test_quoted_words_are_text_and_keep_their_letters():
    (caption,), unknown = parse('add text "Blur, BRIGHTER and it\'s Крым"')
    assert caption.values == {"text": "Blur, BRIGHTER and it's Крым"}
    assert unknown == []


def test_an_apostrophe_does_not_open_a_quotation():
    operations, _ = parse("don't blur, it's fine, make it warmer, that's all")
    assert [operation.name for operation in operations] == ["warmth"]


def test_a_long_request_is_read_quickly_and_its_leftovers_are_bounded():
    _, unknown = parse(", ".join(f"слово{n} другое" for n in range(300))[:4000])
    assert len(unknown) <= 8
    assert all(len(part) <= 60 for part in unknown)


@pytest.mark.parametrize("piece", ['"', "red ", "rotate it ", "увеличь фото ", "the ", "крутой "])
def test_no_request_of_4000_characters_takes_long(piece):
    start = perf_counter()
    parse((piece * 4000)[:4000])
    assert perf_counter() - start < 1.0
