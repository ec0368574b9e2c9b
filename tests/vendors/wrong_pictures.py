"""What a vendor may send where a picture should be. Small on the wire, whatever it claims to be."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

from tests.pictures import picture_file

WIDE, HIGH = 20_000, 10_000


def png(width: int, height: int, pixels: bytes) -> bytes:
    """A grey PNG of one bit a pixel, ``pixels`` being its compressed rows."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def megapixels_200() -> bytes:
    """Every one of its pixels is there: 24 kB that unpack to 25 MB, and to 200 MB as bytes."""
    packer = zlib.compressobj(9)
    row = b"\0" + b"\xaa" * (WIDE // 8)
    return png(WIDE, HIGH, b"".join([*(packer.compress(row) for _ in range(HIGH)), packer.flush()]))


def saved_as(kind: str) -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(picture_file("coral"))).save(out, kind)
    return out.getvalue()


def blank() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 300), "gray").save(out, "PNG")
    return out.getvalue()


def _all() -> Iterator[tuple[str, bytes]]:
    yield "200 megapixels", megapixels_200()
    yield "200 megapixels, header only", png(WIDE, HIGH, zlib.compress(b"\0"))
    yield "svg", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect/></svg>'
    yield "gif", saved_as("GIF")
    yield "tiff", saved_as("TIFF")
    yield "mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 64
    yield "html", b"<!doctype html><title>403 Forbidden</title>"
    yield "truncated", picture_file("coral", kind="PNG")[:900]
    yield "corrupt", b"\xff\xd8\xff" + b"\0" * 900
    yield "empty", b""
    yield "blank", blank()


WRONG_PICTURES = dict(_all())
