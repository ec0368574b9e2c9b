"""Turns an untrusted picture file into a clean one: pixels go through, nothing else does.

Pure: no Django, no database, no settings. It runs in a child process (see ``sandbox``), which
limits its memory and its time. What is refused here is refused by content, never by name or type.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from generation.quality import hints

MAX_PIXELS = 40_000_000
MIN_SIDE = 16
THUMB_SIDE = 320
# A JPEG of twice this long side is decoded at half its size, which costs half the time.
GOOD_ENOUGH = 0.93
OPAQUE_FROM = 250
MAX_PLACEHOLDER = 400
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"heif"}
AVIF_BRANDS = {b"avif", b"avis"}
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ORIENTATION = 0x0112


class PhotoError(Exception):
    """Why a file was refused. ``code`` names a sentence for the person.

    photo_empty, photo_too_large, photo_too_many_pixels, photo_not_supported, photo_broken,
    photo_too_small, photo_timeout.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class CleanPhoto:
    """An upright sRGB picture without metadata. ``mime`` is that of both files."""

    master: bytes
    thumb: bytes
    mime: str
    width: int
    height: int
    placeholder: str
    hints: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """What may come in, and how the master is kept.

    ``faithful``: a PNG stays a PNG, and no detail is skipped while decoding.
    """

    max_bytes: int
    side: int
    quality: int
    subsampling: str
    seconds: float
    faithful: bool


PHOTO = Recipe(10 << 20, 2048, 90, "4:2:0", 10, faithful=False)
RESULT = Recipe(60 << 20, 4096, 95, "4:4:4", 20, faithful=True)
RECIPES = {"photo": PHOTO, "result": RESULT}


def judge(data: bytes, recipe: Recipe) -> str:
    """Return the kind of file that this is by its first bytes, or raise PhotoError. Costs nothing.

    MPO is a JPEG that is followed by more pictures: it is read as a JPEG, so only its first.
    """
    if not data:
        raise PhotoError("photo_empty")
    if len(data) > recipe.max_bytes:
        raise PhotoError("photo_too_large")
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp" and _is_heif(data):
        return "heif"
    raise PhotoError("photo_not_supported")


def _is_heif(data: bytes) -> bool:
    """The major brand, then (after a version) the compatible ones. AVIF shares the container."""
    box = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
    brands = {box[:4]} | {box[at : at + 4] for at in range(8, len(box), 4)}
    return bool(brands & HEIF_BRANDS) and not brands & AVIF_BRANDS


def decode(data: bytes, recipe: Recipe) -> CleanPhoto:
    """Decode, turn upright, shrink and encode again; raise PhotoError for what is refused."""
    kind = judge(data, recipe)
    try:
        picture = _decoded(data, kind, recipe)
        return encoded(picture, recipe, as_png=recipe.faithful and kind == "png")
    except PhotoError:
        raise
    except Image.DecompressionBombError:
        raise PhotoError("photo_too_many_pixels") from None
    except Exception:  # A decoder may fail in any way: struct.error, SyntaxError, MemoryError…
        raise PhotoError("photo_broken") from None


# ── in ────────────────────────────────────────────────────────────────────────────────────────


def _decoded(data: bytes, kind: str, recipe: Recipe) -> Image.Image:
    source = OPENERS[kind](data)
    _check_size(*source.size, recipe.side)
    picture = source if isinstance(source, Image.Image) else source.to_pillow()
    if kind == "jpeg" and not recipe.faithful:
        _skip_detail(picture, recipe.side)
    picture.load()
    # libheif has already turned its picture, and says so by resetting its EXIF.
    turn = TURNS.get(_orientation(picture)) if kind != "heif" else None
    picture = _srgb(_shrunk(_plain(picture), recipe.side), picture.info.get("icc_profile"))
    return picture if turn is None else picture.transpose(turn)


def _open_heif(data: bytes):
    """Return the container, not yet decoded. Imported late: few photos need its codecs."""
    import pillow_heif

    options = pillow_heif.options
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    options.DECODE_THREADS = 1
    return pillow_heif.open_heif(BytesIO(data))


# The plugin classes and not Image.open(): no other format's parser ever sees the file, and a
# picture's further frames (MPO, APNG, animated WebP) are never asked for.
OPENERS = {
    "jpeg": lambda data: JpegImageFile(BytesIO(data)),
    "png": lambda data: PngImageFile(BytesIO(data)),
    "webp": lambda data: WebPImageFile(BytesIO(data)),
    "heif": _open_heif,
}


def _check_size(width: int, height: int, side: int) -> None:
    """Judge the declared size, before any decoding."""
    if width * height > MAX_PIXELS:
        raise PhotoError("photo_too_many_pixels")
    if min(width, height) * min(1, side / max(width, height)) < MIN_SIDE:
        raise PhotoError("photo_too_small")


def _skip_detail(picture: JpegImageFile, side: int) -> None:
    """Let libjpeg decode at 1/2, 1/4 or 1/8 where that leaves about the wanted side."""
    factor = side * GOOD_ENOUGH / max(picture.size)
    if factor < 1:
        wanted = tuple(max(1, int(length * factor)) for length in picture.size)
        picture.draft(picture.mode, wanted)


def _orientation(picture: Image.Image) -> int:
    try:
        return picture.getexif().get(ORIENTATION, 1)
    except Exception:  # A mangled EXIF is no reason to refuse the pixels.
        return 1


def _plain(picture: Image.Image) -> Image.Image:
    """Bring any mode to RGB, RGBA, L, LA or CMYK with 8 bits a channel."""
    if picture.mode.startswith("I;16"):
        picture = picture.point(lambda level: level / 256, "L")
    if "transparency" in picture.info or picture.mode in ("PA", "La", "RGBa"):
        return picture.convert("RGBA")
    if picture.mode in ("RGB", "RGBA", "L", "LA", "CMYK"):
        return picture
    return picture.convert("L" if picture.mode in ("1", "I", "F") else "RGB")


def _shrunk(picture: Image.Image, side: int) -> Image.Image:
    scale = side / max(picture.size)
    if scale >= 1:
        return picture
    size = tuple(max(1, round(length * scale)) for length in picture.size)
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB, or RGBA where something is really transparent, in the colours that screens expect."""
    alpha = picture.getchannel("A") if "A" in picture.getbands() else None
    if alpha is not None and alpha.getextrema()[0] >= OPAQUE_FROM:
        alpha = None
    if "A" in picture.getbands():
        picture = picture.convert(picture.mode.removesuffix("A"))
    picture = _through_profile(picture, profile) if profile else picture
    picture = picture.convert("RGB")
    if alpha is not None:
        picture.putalpha(alpha)
    return picture


def _through_profile(picture: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if ImageCms.getProfileDescription(source).startswith("sRGB"):
            return picture
        return ImageCms.profileToProfile(
            picture,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):  # Broken, or meant for another mode.
        return picture


# ── out ───────────────────────────────────────────────────────────────────────────────────────


def encoded(picture: Image.Image, recipe: Recipe, *, as_png: bool) -> CleanPhoto:
    """The files of a picture that is clean already."""
    picture.info = {}  # What save() would otherwise copy: comments, resolution, profiles.
    as_png = as_png or picture.mode == "RGBA"
    # A whole-number step first: nine times cheaper than LANCZOS from the full size.
    preview = picture.reduce(max(1, max(picture.size) // (2 * THUMB_SIDE)))
    thumb = _shrunk(preview, THUMB_SIDE)
    return CleanPhoto(
        master=_file(picture, as_png, recipe.quality, recipe.subsampling),
        thumb=_file(thumb, as_png, 82, "4:2:0"),
        mime="image/png" if as_png else "image/jpeg",
        width=picture.width,
        height=picture.height,
        placeholder=_placeholder(thumb),
        hints=hints(preview, picture.size),
    )


def _file(picture: Image.Image, as_png: bool, quality: int, subsampling: str) -> bytes:
    out = BytesIO()
    if as_png:
        picture.save(out, "PNG", compress_level=3)
    else:
        picture.save(out, "JPEG", quality=quality, subsampling=subsampling)
    return out.getvalue()


def _placeholder(thumb: Image.Image) -> str:
    """A data: URI of a few colours, shown blurred until the picture arrives.

    WebP, because the tables of a JPEG alone are longer than MAX_PLACEHOLDER.
    """
    for side, quality in ((16, 40), (16, 10), (8, 10)):
        out = BytesIO()
        _shrunk(thumb, side).save(out, "WEBP", quality=quality, alpha_quality=20, method=4)
        uri = "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()
        if len(uri) <= MAX_PLACEHOLDER:
            return uri
    return ""
