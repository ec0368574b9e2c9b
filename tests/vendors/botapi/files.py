"""Files at Telegram's: pictures in their sizes, documents as they are, links to fetch them by.

A picture that a person can look at is a JPEG of at most 1280 pixels, so anything else is made into
one. What the bot uploaded is remembered as it came, for the tests to look at.
"""

from __future__ import annotations

import io
import itertools
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from PIL import Image

from tests.vendors.botapi.params import Params, Refusal, Upload, need

PHOTO_BYTES, UPLOAD_BYTES, DOWNLOAD_BYTES = 10 << 20, 50 << 20, 20 << 20
BOXES = (90, 320, 800)
LARGEST = 1280
LINK_SECONDS = 3600


@dataclass
class File:
    """``kind`` is photo or document. ``box`` is the side of the square that a picture fits in."""

    id: str
    kind: str
    name: str
    source: bytes
    width: int = 0
    height: int = 0
    box: int | None = None
    sizes: list[File] = field(default_factory=list)

    @property
    def unique_id(self) -> str:
        return f"AQAD{self.id[6:]}"

    @cached_property
    def content(self) -> bytes:
        """What is downloaded. The smaller sizes are made when somebody asks for them."""
        return self.source if self.box is None else _scaled(self.source, self.box)

    @property
    def shown(self) -> dict[str, Any]:
        """As a message carries it."""
        ids = {"file_id": self.id, "file_unique_id": self.unique_id}
        if self.kind == "photo":
            size = len(self.source) if self.box is None else self.width * self.height // 6
            return {**ids, "width": self.width, "height": self.height, "file_size": size}
        mime = mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        size = len(self.source)
        return {"file_name": self.name, "mime_type": mime, **ids, "file_size": size}


class Files:
    """``web`` holds what Telegram finds when a bot sends a URL instead of a file."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.web: dict[str, bytes] = {}
        self._clock = clock
        self._by_id: dict[str, File] = {}
        self._links: dict[str, tuple[File, float]] = {}
        self._numbers = itertools.count(1)

    def take(self, params: Params, reference: str, kind: str) -> File:
        """A file that came with the request, lies on the web or was sent before."""
        if reference.startswith("attach://"):
            upload = params.files.get(reference.removeprefix("attach://"))
            need(upload, f"there is no {kind} in the request")
            return self._uploaded(upload, kind)  # type: ignore[arg-type]
        if reference.startswith(("http://", "https://")):
            need(reference in self.web, "failed to get HTTP URL content")
            name = reference.rpartition("/")[2]
            return self._uploaded(Upload(name, self.web[reference]), kind)
        file = self._by_id.get(reference)
        need(file, "wrong file identifier/HTTP URL specified")
        need(file.kind == kind, "type of file mismatch")  # type: ignore[union-attr]
        return file  # type: ignore[return-value]

    def photo(self, content: bytes) -> File:
        """The largest size of a picture that a person sent; what is no picture passes as it is."""
        width, height, kind = _measured(content) or (90, 90, "JPEG")
        as_is = kind == "JPEG" and max(width, height) <= LARGEST
        boxes = [box for box in BOXES if box < max(width, height)]
        sizes = [self._size(content, width, height, box) for box in boxes]
        sizes.append(self._size(content, width, height, None if as_is else LARGEST))
        for size in sizes:
            size.sizes = sizes
        return sizes[-1]

    def document(self, content: bytes, name: str) -> File:
        return self._keep(File(self._id(), "document", name, content))

    def original(self, file_id: str) -> bytes | None:
        file = self._by_id.get(file_id)
        return file.source if file else None

    def link(self, file_id: str) -> dict[str, Any]:
        """The answer to getFile. The link is good for an hour."""
        need(file_id, "file_id not specified")
        file = self._by_id.get(file_id)
        if file is None:
            raise Refusal("invalid file_id")
        need(len(file.content) <= DOWNLOAD_BYTES, "file is too big")
        path = f"{file.kind}s/file_{next(self._numbers)}{_suffix(file)}"
        self._links[path] = (file, self._clock() + LINK_SECONDS)
        ids = {"file_id": file.id, "file_unique_id": file.unique_id}
        return {**ids, "file_size": len(file.content), "file_path": path}

    def download(self, path: str) -> bytes | None:
        file, until = self._links.get(path, (None, 0.0))
        return file.content if file and self._clock() < until else None

    def _uploaded(self, upload: Upload, kind: str) -> File:
        need(upload.content, "file must be non-empty")
        if len(upload.content) > UPLOAD_BYTES:
            raise Refusal("", 413)
        if kind == "document":
            return self.document(upload.content, upload.name)
        self._examine(upload.content)
        return self.photo(upload.content)

    def _examine(self, content: bytes) -> None:
        about = f"file of size {len(content)} bytes is too big for a photo"
        need(len(content) <= PHOTO_BYTES, f"{about}; the maximum size is {PHOTO_BYTES} bytes")
        measured = _measured(content)
        need(measured, "IMAGE_PROCESS_FAILED")
        width, height, _ = measured  # type: ignore[misc]
        fits = width + height <= 10_000 and max(width, height) <= 20 * min(width, height)
        need(fits, "PHOTO_INVALID_DIMENSIONS")

    def _size(self, content: bytes, width: int, height: int, box: int | None) -> File:
        shrink = min(1.0, (box or LARGEST) / max(width, height))
        shape = max(round(width * shrink), 1), max(round(height * shrink), 1)
        return self._keep(File(self._id(), "photo", "", content, *shape, box))

    def _keep(self, file: File) -> File:
        self._by_id[file.id] = file
        return file

    def _id(self) -> str:
        return f"AgACAg{next(self._numbers):032d}"


def _suffix(file: File) -> str:
    return ".jpg" if file.kind == "photo" else "".join(file.name.rpartition(".")[1:])


def _measured(content: bytes) -> tuple[int, int, str] | None:
    try:
        with Image.open(io.BytesIO(content)) as image:
            return *image.size, image.format or ""
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _scaled(content: bytes, box: int) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(content)) as image:
        image.draft("RGB", (box, box))
        picture = image.convert("RGB")
        picture.thumbnail((box, box))
        picture.save(out, "JPEG", quality=87)
    return out.getvalue()
