"""Ingest of a 12-megapixel JPEG against naive Pillow, in one run: ``python -m tests.bench.ingest``.

Naive is what one would write first: decode, turn upright, shrink to 2048, then to 320, encode both.
Ours is ``sandbox.clean()``, with the trip to the child process and back.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from generation import sandbox

ROUNDS = 15
AIM = 0.45
GPS_IFD, ORIENTATION = 0x8825, 0x0112
PHOTO = Path(__file__).parents[1] / "photos" / "astronaut.png"


def phone_photo() -> bytes:
    """4000×3000, lying on its side, with some sensor noise and a place where it was taken."""
    picture = Image.open(PHOTO).convert("RGB").resize((4000, 3000), Image.Resampling.LANCZOS)
    noise = Image.effect_noise(picture.size, 24).convert("RGB")
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS_IFD)[1] = "N"
    out = BytesIO()
    Image.blend(picture, noise, 0.15).save(out, "JPEG", quality=90, exif=exif)
    return out.getvalue()


def naive(data: bytes) -> tuple[bytes, bytes]:
    picture = ImageOps.exif_transpose(Image.open(BytesIO(data)))
    files = []
    for side, quality in ((2048, 90), (320, 82)):
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        out = BytesIO()
        picture.save(out, "JPEG", quality=quality)
        files.append(out.getvalue())
    return files[0], files[1]


def median_pair(data: bytes) -> tuple[float, float]:
    """Medians in seconds of naive and ours, taken in turns so that both see the same machine."""
    spent: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for times, run in zip(spent, (naive, sandbox.clean), strict=True):
            times.append(seconds(run, data))
    return statistics.median(spent[0]), statistics.median(spent[1])


def seconds(run: Callable, data: bytes) -> float:
    start = time.perf_counter()
    run(data)
    return time.perf_counter() - start


def rate_of_two_threads(run: Callable, data: bytes) -> float:
    """Photos a second when two people send at once."""
    with ThreadPoolExecutor(2) as threads:
        start = time.perf_counter()
        list(threads.map(run, [data] * ROUNDS))
        return ROUNDS / (time.perf_counter() - start)


def check(data: bytes) -> None:
    photo = sandbox.clean(data)
    assert (photo.width, photo.height, photo.mime) == (1500, 2000, "image/jpeg")
    assert Image.open(BytesIO(photo.thumb)).size == (240, 320)
    assert b"Exif" in data
    assert b"Exif" not in photo.master + photo.thumb


def main() -> float:
    data = phone_photo()
    started = seconds(sandbox.clean, data)
    check(data)
    plain, ours = median_pair(data)
    print(f"ingest of a 12 MP JPEG of {len(data) / 1e6:.1f} MB, median of {ROUNDS}")
    print(f"  naive Pillow      {plain * 1000:6.0f} ms")
    print(f"  sandbox.clean()   {ours * 1000:6.0f} ms   (the very first: {started * 1000:.0f} ms)")
    print(f"  ratio             {ours / plain:6.2f}      (aim: at most {AIM})")
    together = [rate_of_two_threads(run, data) for run in (naive, sandbox.clean)]
    print(f"  two threads       naive {together[0]:.1f}/s, sandbox.clean() {together[1]:.1f}/s")
    sandbox.close()
    return ours / plain


if __name__ == "__main__":
    main()
