"""Makes the home page's before/after pictures: ``python tests/photos/make_demo.py``.

The studio's own built-in provider makes them, from public-domain photos and drawn garments.
"""

import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from generation.providers.base import Order  # noqa: E402
from generation.providers.local import Local  # noqa: E402

IMAGES = ROOT / "static" / "img"
SIZE = (640, 800)
LARGEST = 60_000  # bytes: two of them stand on the first page
EDIT = "make the clothes red, a bit warmer"


def made(tool, *photos, **more):
    order = Order("demo", tool, pictures=photos, **more)
    return Local().start(order, lambda percent, stage: None).pictures[0]


def portrait(file, centre):
    """A 4:5 part around ``centre`` (a fraction of the width), as the cards show it."""
    picture = Image.open(BytesIO(file)).convert("RGB")
    width = round(picture.height * SIZE[0] / SIZE[1])
    left = min(max(0, round(picture.width * centre - width / 2)), picture.width - width)
    return picture.crop((left, 0, left + width, picture.height)).resize(SIZE, Image.LANCZOS)


def save(picture, name):
    for quality in range(84, 50, -4):
        out = BytesIO()
        picture.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
        if out.tell() <= LARGEST:
            break
    (IMAGES / f"{name}.jpg").write_bytes(out.getvalue())


def main():
    IMAGES.mkdir(parents=True, exist_ok=True)
    person, shirt = (HERE / "astronaut.png").read_bytes(), (HERE / "shirt.png").read_bytes()
    save(portrait(person, 0.42), "demo-tryon-before")
    save(portrait(made("tryon", person, shirt, zone="body"), 0.42), "demo-tryon-after")
    captain = (HERE / "grace_hopper.jpg").read_bytes()
    save(portrait(captain, 0.5), "demo-edit-before")
    save(portrait(made("edit", captain, prompt=EDIT), 0.5), "demo-edit-after")
    scene = made("imagine", prompt="mountain lake at sunset", aspect="1:1", seed=11)
    save(Image.open(BytesIO(scene)).resize((640, 640), Image.LANCZOS), "demo-imagine")


if __name__ == "__main__":
    main()
