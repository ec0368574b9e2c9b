"""Hints about a photo that is likely to disappoint, given before anything is charged.

Calibrated by hand on photographs and drawn garments: sharp ones have a sharpness of 0.34 and more,
ones blurred by a 3 px Gaussian (at 512 px) 0.15 and less; a photo darkened to an eighth has its
brightest areas at 31 of 255, a dusky but usable one at 106.
"""

from __future__ import annotations

from PIL import Image, ImageChops, ImageFilter

STUDY_SIDE = 512
TINY_SIDE = 200
DARK_BELOW = 64
BLURRED_BELOW = 0.15
FEATURELESS_BELOW = 10


def hints(preview: Image.Image, size: tuple[int, int]) -> tuple[str, ...]:
    """Return codes out of "dark", "blurred" and "tiny".

    ``preview`` is the picture at any size from STUDY_SIDE up, ``size`` the one that is kept.
    """
    gray = _study_copy(preview)
    found = []
    if _percentile(gray, 0.95) < DARK_BELOW:
        found.append("dark")
    if _is_blurred(gray):
        found.append("blurred")
    if min(size) < TINY_SIDE:
        found.append("tiny")
    return tuple(found)


def _study_copy(picture: Image.Image) -> Image.Image:
    """A gray copy of at most STUDY_SIDE: blur is judged at the size at which people will look."""
    scale = STUDY_SIDE / max(picture.size)
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in picture.size)
        picture = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    if "A" in picture.getbands():
        # A black shirt on nothing is not a dark photo: look at it on paper.
        paper = Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(picture.convert("RGBA"))
        picture = paper
    return picture.convert("L")


def _is_blurred(gray: Image.Image) -> bool:
    """Compare the strongest fine detail with the strongest coarse detail.

    The ratio does not depend on contrast or exposure, and the 99th percentile lets a sharp subject
    vouch for a background that is out of focus on purpose.
    """
    if _percentile(gray, 0.95) - _percentile(gray, 0.05) < FEATURELESS_BELOW:
        return False
    soft, softer = (gray.filter(ImageFilter.GaussianBlur(radius)) for radius in (1, 4))
    fine = _percentile(ImageChops.difference(gray, soft), 0.99)
    coarse = _percentile(ImageChops.difference(soft, softer), 0.99)
    return fine < BLURRED_BELOW * coarse or coarse == 0


def _percentile(gray: Image.Image, share: float) -> int:
    """The level that this share of the pixels does not exceed."""
    wanted = share * gray.width * gray.height
    seen = 0
    for level, count in enumerate(gray.histogram()):
        seen += count
        if seen >= wanted:
            return level
    return 255
