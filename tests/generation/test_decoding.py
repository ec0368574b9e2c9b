"""Files of every kind, good and bad, all made here: what comes out, and what is refused how."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import replace
from io import BytesIO

import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

from generation.decoding import PHOTO, RESULT, TURNS, CleanPhoto, PhotoError, decode

pillow_heif.register_heif_opener()

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (250, 250, 250)
KINDS = ["JPEG", "PNG", "WEBP", "MPO", "HEIF"]
SECRETS = [b"Exif", b"http://ns.adobe.com", b"W5M0MpCehiHzreSzNTczkc9d", b"Moscow", b"ICC_PROFILE"]


def quadrants(width: int = 96, height: int = 64) -> Image.Image:
    """Red and green above, blue and white below: shows every turn and every mirroring."""
    picture = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), RED)
    draw.rectangle((width // 2, 0, width, height // 2 - 1), GREEN)
    draw.rectangle((0, height // 2, width // 2 - 1, height), BLUE)
    return picture


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def opened(photo: CleanPhoto) -> Image.Image:
    return Image.open(BytesIO(photo.master))


def refusal(data: bytes) -> str:
    with pytest.raises(PhotoError) as caught:
        decode(data, PHOTO)
    return caught.value.code


def near(pixel: tuple[int, ...], colour: tuple[int, ...]) -> bool:
    return all(abs(a - b) <= 24 for a, b in zip(pixel[:3], colour, strict=True))


def corners(picture: Image.Image) -> list[tuple[int, ...]]:
    """The colour of each quarter's middle, in reading order."""
    x, y = picture.width // 4, picture.height // 4
    return [picture.getpixel(at) for at in ((x, y), (3 * x, y), (x, 3 * y), (3 * x, 3 * y))]


def is_upright(picture: Image.Image) -> bool:
    return all(map(near, corners(picture.convert("RGB")), (RED, GREEN, BLUE, WHITE)))


def png(width: int, height: int, *chunks: tuple[bytes, bytes], bits: int = 8) -> bytes:
    """A PNG of these chunks under a header that says what we like (gray)."""
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    body = b"\x89PNG\r\n\x1a\n"
    for name, data in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        crc = zlib.crc32(name + data)
        body += struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)
    return body


def zeros(megabytes: int) -> bytes:
    """That many megabytes of zeros, deflated to a thousandth."""
    packer = zlib.compressobj(1)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


# ── what comes in ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
def test_every_accepted_kind_becomes_an_upright_jpeg(kind):
    photo = decode(saved(quadrants(), kind), PHOTO)
    assert (photo.width, photo.height, photo.mime) == (96, 64, "image/jpeg")
    assert opened(photo).format == "JPEG"
    assert is_upright(opened(photo))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_is_turned_upright(kind, orientation):
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    stored = quadrants().transpose(TURNS[inverse]) if inverse > 1 else quadrants()
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = decode(saved(stored, kind, exif=exif), PHOTO)
    assert (photo.width, photo.height) == (96, 64)
    assert is_upright(opened(photo))


def test_a_heic_is_turned_once_and_not_twice():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = quadrants().transpose(Image.Transpose.ROTATE_90)
    photo = decode(saved(stored, "HEIF", exif=exif.tobytes()), PHOTO)
    assert (photo.width, photo.height) == (96, 64)
    assert is_upright(opened(photo))


def test_only_the_first_picture_of_an_mpo_is_read():
    other = Image.new("RGB", (96, 64), "black")
    data = saved(quadrants(), "MPO", save_all=True, append_images=[other])
    assert is_upright(opened(decode(data, PHOTO)))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_only_the_first_frame_of_an_animation_is_read(kind):
    other = Image.new("RGB", (96, 64), "black")
    data = saved(quadrants(), kind, save_all=True, append_images=[other] * 3, duration=50)
    assert is_upright(opened(decode(data, PHOTO)))


def test_cmyk_becomes_rgb():
    photo = decode(saved(quadrants().convert("CMYK"), "JPEG"), PHOTO)
    assert opened(photo).mode == "RGB"
    assert is_upright(opened(photo))


@pytest.mark.parametrize(("level", "expected"), [(0, 0), (30_000, 117), (65_535, 255)])
def test_sixteen_bits_are_scaled_and_not_clipped(level, expected):
    photo = decode(saved(Image.new("I;16", (40, 40), level), "PNG"), PHOTO)
    assert abs(opened(photo).getpixel((9, 9))[0] - expected) <= 1


def test_bilevel_and_gray_become_rgb():
    for mode in ("1", "L"):
        photo = decode(saved(Image.new(mode, (40, 40), 255), "PNG"), PHOTO)
        assert opened(photo).getpixel((9, 9)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_real_transparency_is_kept_in_a_png(mode):
    picture = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((50, 50, 350, 350), (90, 90, 90, 255))
    photo = decode(saved(picture.convert(mode), "PNG"), PHOTO)
    assert photo.mime == "image/png"
    assert opened(photo).getchannel("A").getextrema() == (0, 255)
    assert Image.open(BytesIO(photo.thumb)).mode == "RGBA"


def test_a_transparent_colour_of_an_rgb_png_is_transparency():
    photo = decode(saved(quadrants(), "PNG", transparency=RED), PHOTO)
    assert opened(photo).getpixel((5, 5))[3] == 0


def test_an_alpha_channel_that_hides_nothing_is_dropped():
    photo = decode(saved(quadrants().convert("RGBA"), "PNG"), PHOTO)
    assert photo.mime == "image/jpeg"


def test_a_colour_profile_is_applied_and_dropped():
    # sRGB with its red and green exchanged, under another name.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"tmpT").replace(b"gXYZ", b"rXYZ").replace(b"tmpT", b"gXYZ")
    profile = profile.replace("sRGB".encode("utf-16-be"), "XRGB".encode("utf-16-be"))
    data = saved(Image.new("RGB", (64, 64), (255, 0, 0)), "PNG", icc_profile=profile)
    photo = decode(data, PHOTO)
    assert near(opened(photo).getpixel((9, 9)), (0, 255, 0))
    assert "icc_profile" not in opened(photo).info


def test_a_broken_colour_profile_is_no_reason_to_refuse():
    photo = decode(saved(quadrants(), "JPEG", icc_profile=b"nonsense" * 40), PHOTO)
    assert is_upright(opened(photo))


# ── what goes out ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "HEIF", "PNG"])
def test_no_metadata_survives(kind):
    exif = Image.Exif()
    exif[0x010E] = "Moscow"
    exif.get_ifd(0x8825).update({1: "N", 2: (55.0, 45.0, 7.0), 3: "E", 4: (37.0, 37.0, 4.0)})
    xmp = b'<?xpacket id="W5M0MpCehiHzreSzNTczkc9d"?><x xmlns="http://ns.adobe.com/xap/1.0/"/>'
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp.decode())
    extra = {"PNG": {"pnginfo": text}, "JPEG": {"xmp": xmp, "comment": b"Moscow"}}
    options = extra.get(kind, {"xmp": xmp})
    data = saved(quadrants(), kind, exif=exif.tobytes(), icc_profile=profile, **options)
    assert b"Moscow" in data
    for photo in (decode(data, PHOTO), decode(data, RESULT)):
        assert not [word for word in SECRETS if word in photo.master + photo.thumb]


def test_a_png_goes_out_with_nothing_but_its_pixels():
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "Moscow", zip=True)
    picture = Image.new("RGBA", (64, 64), (1, 2, 3, 99))
    master = decode(saved(picture, "PNG", pnginfo=text, dpi=(72, 72)), PHOTO).master
    names = [name for name in (b"tEXt", b"zTXt", b"pHYs", b"eXIf", b"iCCP") if name in master]
    assert names == []


def test_a_photo_of_4000_px_is_halved_while_decoding():
    photo = decode(saved(quadrants(4000, 3000), "JPEG"), PHOTO)
    assert (photo.width, photo.height) == (2000, 1500)
    assert is_upright(opened(photo))


def test_the_master_is_2048_px_and_the_thumbnail_320():
    photo = decode(saved(quadrants(1800, 3000), "JPEG"), PHOTO)
    assert (photo.width, photo.height) == opened(photo).size == (1229, 2048)
    assert Image.open(BytesIO(photo.thumb)).size == (192, 320)


def test_a_small_photo_is_not_enlarged():
    photo = decode(saved(quadrants(300, 200), "PNG"), PHOTO)
    assert Image.open(BytesIO(photo.thumb)).size == opened(photo).size == (300, 200)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_placeholder_is_a_picture_of_400_bytes_at_most(mode):
    noise = Image.merge("RGB", [Image.effect_noise((640, 640), 200)] * 3).convert(mode)
    if mode == "RGBA":
        noise.putalpha(Image.effect_noise((640, 640), 200))
    uri = decode(saved(noise, "PNG"), PHOTO).placeholder
    assert len(uri) <= 400
    dot = Image.open(BytesIO(base64.b64decode(uri.removeprefix("data:image/webp;base64,"))))
    assert max(dot.size) == 16


def test_a_result_in_png_loses_nothing():
    picture = Image.merge("RGB", [Image.effect_noise((300, 200), 90) for _ in "RGB"])
    photo = decode(saved(picture, "PNG"), RESULT)
    assert photo.mime == "image/png"
    assert opened(photo).tobytes() == picture.tobytes()


def test_a_result_in_jpeg_keeps_its_size_and_its_colour_detail():
    photo = decode(saved(quadrants(4000, 40), "JPEG"), RESULT)
    assert (photo.width, photo.height, photo.mime) == (4000, 40, "image/jpeg")
    assert [(h, v) for _, h, v, _ in opened(photo).layer] == [(1, 1)] * 3


# ── what is refused ───────────────────────────────────────────────────────────────────────────


DISGUISED = {
    "page": b"<!doctype html><script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "zip": b"PK\x03\x04" + bytes(60),
    "gif": saved(quadrants(), "GIF"),
    "tiff": saved(quadrants(), "TIFF"),
    "bmp": saved(quadrants(), "BMP"),
    "avif": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(60),
    "film": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(60),
    "one byte": b"\xff",
}


@pytest.mark.parametrize("name", DISGUISED)
def test_what_is_not_a_photo_is_refused_by_its_content(name):
    assert refusal(DISGUISED[name]) == "photo_not_supported"


def test_an_empty_file_is_refused():
    assert refusal(b"") == "photo_empty"


def test_eleven_megabytes_are_refused():
    assert refusal(saved(quadrants(), "JPEG") + bytes(11 << 20)) == "photo_too_large"


def test_a_result_may_be_larger_than_a_photo():
    assert decode(saved(quadrants(), "JPEG") + bytes(11 << 20), RESULT).width == 96


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_half_a_file_is_broken(kind, share):
    data = saved(Image.effect_noise((400, 300), 60).convert("RGB"), kind)
    assert refusal(data[: int(len(data) * share)]) == "photo_broken"


@pytest.mark.parametrize("head", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"])
def test_a_right_beginning_before_nonsense_is_broken(head):
    assert refusal(head + b"\xff\x00nonsense" * 99) == "photo_broken"


def test_a_png_that_declares_2500_megapixels_is_refused_by_its_header():
    data = png(50_000, 50_000, (b"IDAT", zlib.compress(b"\0")))
    assert refusal(data) == "photo_too_many_pixels"


def test_a_small_png_of_200_megapixels_is_refused_by_its_header():
    data = png(14_000, 14_400, (b"IDAT", zeros(24)), bits=1)
    assert len(data) < 120_000
    assert refusal(data) == "photo_too_many_pixels"


def test_a_png_whose_pixels_go_on_for_ever_yields_those_that_it_declared():
    photo = decode(png(64, 64, (b"IDAT", zeros(64))), PHOTO)
    assert (photo.width, photo.height) == (64, 64)


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_text_that_inflates_is_broken(place):
    bomb, pixels = (b"zTXt", b"bomb\0\0" + zeros(100)), (b"IDAT", zlib.compress(bytes(65 * 64)))
    chunks = [bomb, pixels] if place == "before" else [pixels, bomb]
    assert refusal(png(64, 64, *chunks)) == "photo_broken"


def test_a_webp_that_declares_268_megapixels_is_refused():
    picture = quadrants().convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    data = bytearray(saved(picture, "WEBP"))
    assert data[12:16] == b"VP8X"
    data[24:30] = (16_382).to_bytes(3, "little") * 2
    assert refusal(bytes(data)) == "photo_too_many_pixels"


def test_a_heic_that_declares_400_megapixels_is_refused():
    data = saved(quadrants(), "HEIF")
    at = data.index(b"ispe") + 8
    lie = data[:at] + struct.pack(">II", 20_000, 20_000) + data[at + 8 :]
    assert refusal(lie) == "photo_too_many_pixels"


def test_forty_megapixels_pass_and_one_row_more_does_not():
    pixels = (b"IDAT", zlib.compress(bytes(1001 * 5000)))
    assert decode(png(8000, 5000, pixels, bits=1), PHOTO).width == 2048
    assert refusal(png(8000, 5001, pixels, bits=1)) == "photo_too_many_pixels"


@pytest.mark.parametrize("size", [(10, 10), (15, 400), (8000, 40)])
def test_a_dot_or_a_thread_is_too_small(size):
    assert refusal(saved(Image.new("RGB", size), "PNG")) == "photo_too_small"


def test_limits_belong_to_the_recipe():
    with pytest.raises(PhotoError, match="photo_too_large"):
        decode(saved(quadrants(), "JPEG"), replace(PHOTO, max_bytes=100))
