"""Cleans uploaded pictures in child processes, so that a bomb cannot take the server down.

A child is a bare interpreter (no Django, no settings, no secrets in its environment, no open files
of ours) that reads one order at a time from a socket. Its memory is limited, and an order that
takes too long costs it its life. At most CHILDREN live; the first starts with the first photo.

Not concurrent.futures: its children import the server's ``__main__`` again, one that hangs can only
be stopped together with its neighbours' work, and their answers are unpickled, which would hand
the server to whoever takes over a decoder. Here an answer is some JSON and two byte strings.

Children end with us, even when we are killed: an idle one sees its socket close, and a busy one is
ended by its alarm at the latest. PR_SET_PDEATHSIG would not do: it watches the starting *thread*.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from generation.decoding import MAX_PIXELS, RECIPES, CleanPhoto, PhotoError, decode, judge

__all__ = ["CleanPhoto", "PhotoError", "clean", "clean_result", "close"]

CHILDREN = 2
MEMORY = 1 << 30
"""Address space of a child in bytes.

It maps 32 MiB at rest, 57 with the HEIF codecs; 40 megapixels with transparency took up to 842.
"""
START_SECONDS = 20
QUEUE_SECONDS = 20
GRACE_SECONDS = 2
ORDERS_PER_CHILD = 500
READY = b"\n"
HEAD = struct.Struct(">II")
LONGEST_ANSWER = 256 << 20
PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from generation.sandbox import serve; serve()"


def clean(data: bytes) -> CleanPhoto:
    """Judge and clean a person's photo. Safe to call from any thread; raises PhotoError."""
    return _cleaned(data, "photo")


def clean_result(data: bytes) -> CleanPhoto:
    """The same for a picture that a provider made: up to 60 MB and 4096 px, a PNG stays one."""
    return _cleaned(data, "result")


def close() -> None:
    """End all children. The next photo starts new ones."""
    _pool.close()


def _cleaned(data: bytes, name: str) -> CleanPhoto:
    judge(data, RECIPES[name])  # What its first bytes condemn needs no child.
    header, master, thumb = _pool.ask(name, data)
    if "error" in header:
        raise PhotoError(header["error"])
    return CleanPhoto(master, thumb, **header | {"hints": tuple(header["hints"])})


# ── our side ──────────────────────────────────────────────────────────────────────────────────


class ChildLost(Exception):
    """The child died over an order, or before it."""


class Child:
    """One child process and our end of its socket."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair()
        self.orders = 0
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", BOOT, str(Path(__file__).parents[1])],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
                start_new_session=True,  # Ctrl-C in a terminal is ours to handle.
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        """A child that cannot even start is our fault and not the photo's: say so."""
        try:
            _receive(self.socket, len(READY), time.monotonic() + START_SECONDS)
        except (OSError, EOFError) as error:
            self.end()
            raise RuntimeError("the process that decodes photos does not start") from error

    def ask(self, name: str, data: bytes, deadline: float) -> tuple[dict, bytes, bytes]:
        self.orders += 1
        try:
            _send(self.socket, {"recipe": name}, data, b"", deadline=deadline)
            return _receive_message(self.socket, deadline)
        except TimeoutError:
            raise PhotoError("photo_timeout") from None
        except (OSError, EOFError, ValueError) as error:
            raise ChildLost from error

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.socket.close()


class Pool:
    """Hands each caller a child of its own for one order, and replaces those that are lost."""

    def __init__(self) -> None:
        self.places = threading.BoundedSemaphore(CHILDREN)
        self.lock = threading.Lock()
        self.idle: list[Child] = []
        self.alive: set[Child] = set()

    def ask(self, name: str, data: bytes) -> tuple[dict, bytes, bytes]:
        if not self.places.acquire(timeout=QUEUE_SECONDS):
            raise PhotoError("photo_timeout")
        try:
            try:
                return self._ask_one(name, data)
            except ChildLost:  # Perhaps killed while idle, by memory pressure or by a restart.
                return self._ask_one(name, data)
        except ChildLost:
            raise PhotoError("photo_broken") from None
        finally:
            self.places.release()

    def _ask_one(self, name: str, data: bytes) -> tuple[dict, bytes, bytes]:
        child = self._take()
        try:
            answer = child.ask(name, data, time.monotonic() + RECIPES[name].seconds)
        except BaseException:  # Out of step with us, whatever happened: never ask it again.
            self._drop(child)
            raise
        self._give_back(child)
        return answer

    def _take(self) -> Child:
        with self.lock:
            if self.idle:
                return self.idle.pop()
        child = Child()
        with self.lock:
            self.alive.add(child)
        return child

    def _give_back(self, child: Child) -> None:
        if child.orders >= ORDERS_PER_CHILD:  # Whatever a codec leaks has an end.
            return self._drop(child)
        with self.lock:
            if child in self.alive:
                self.idle.append(child)

    def _drop(self, child: Child) -> None:
        with self.lock:
            self.alive.discard(child)
        child.end()

    def close(self) -> None:
        with self.lock:
            children, self.alive, self.idle = self.alive, set(), []
        for child in children:
            child.process.kill()
            child.process.wait()

    def forget(self) -> None:
        """Let go of our ends without ending anybody: they are our parent's children."""
        for child in self.alive:
            child.socket.close()


_pool = Pool()
atexit.register(close)


def _start_over_after_fork() -> None:
    global _pool
    _pool.forget()
    _pool = Pool()


os.register_at_fork(after_in_child=_start_over_after_fork)


# ── the wire: two lengths, JSON, two byte strings ─────────────────────────────────────────────


def _send(wire: socket.socket, header: dict, *parts: bytes, deadline: float | None = None) -> None:
    head = json.dumps(header | {"sizes": [len(part) for part in parts]}).encode()
    for piece in (HEAD.pack(len(head), sum(map(len, parts))), head, *parts):
        _limit(wire, deadline)
        wire.sendall(piece)


def _receive_message(
    wire: socket.socket, deadline: float | None = None
) -> tuple[dict, bytes, bytes]:
    head_size, body_size = HEAD.unpack(_receive(wire, HEAD.size, deadline))
    if head_size + body_size > LONGEST_ANSWER:
        raise ValueError("the answer is longer than any picture")
    header = json.loads(_receive(wire, head_size, deadline))
    first, second = header.pop("sizes")
    return header, _receive(wire, first, deadline), _receive(wire, second, deadline)


def _receive(wire: socket.socket, size: int, deadline: float | None) -> bytes:
    received = bytearray(size)
    view, at = memoryview(received), 0
    while at < size:
        _limit(wire, deadline)
        count = wire.recv_into(view[at:])
        if not count:
            raise EOFError
        at += count
    return bytes(received)


def _limit(wire: socket.socket, deadline: float | None) -> None:
    if deadline is not None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        wire.settimeout(left)


# ── the child's side ──────────────────────────────────────────────────────────────────────────


def serve() -> None:
    """Answer orders until the other end closes. Runs in the child, never in the server."""
    wire = socket.socket(fileno=0)
    _give_up_rights()
    wire.sendall(READY)
    try:
        while True:
            order, data, _ = _receive_message(wire)
            # The default action of SIGALRM ends us, even in the middle of a codec's loop.
            signal.setitimer(signal.ITIMER_REAL, RECIPES[order["recipe"]].seconds + GRACE_SECONDS)
            _send(wire, *_answer(data, order["recipe"]))
            signal.setitimer(signal.ITIMER_REAL, 0)
            del data
    except (EOFError, OSError):
        return


def _answer(data: bytes, name: str) -> tuple[dict, bytes, bytes]:
    try:
        photo = decode(data, RECIPES[name])
    except PhotoError as error:
        return {"error": error.code}, b"", b""
    kept = {key: value for key, value in vars(photo).items() if key not in ("master", "thumb")}
    return kept, photo.master, photo.thumb


def _give_up_rights() -> None:
    from PIL import Image

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # A core file would hold a person's photo.
    # An opener that allocates on opening (WebP) must refuse at our limit; Pillow errs at twice it.
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
    try:
        # Where the machine itself runs out of memory, the kernel shall pick us and not the server.
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        return
