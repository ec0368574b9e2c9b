"""The child processes: they decode, they die, they are replaced, and they never outlive us."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from generation import sandbox
from generation.sandbox import PhotoError, clean, clean_result, close

ROOT = Path(__file__).parents[2]
MEBIBYTE = 1 << 20


@pytest.fixture(autouse=True)
def _no_children_of_others():
    close()
    yield
    close()


def photo(kind: str = "JPEG", size: tuple[int, int] = (400, 300), **options) -> bytes:
    out = BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(out, kind, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def slow() -> bytes:
    """A small JPEG of nothing, whose last scan is repeated until decoding takes minutes."""
    out = BytesIO()
    Image.new("RGB", (6000, 6000), "gray").save(out, "JPEG", progressive=True)
    data = out.getvalue()
    last_scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last_scan * (9 * MEBIBYTE // len(last_scan)) + data[-2:]


def pids() -> set[int]:
    return {child.process.pid for child in sandbox._pool.alive}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def resident(pid: int | str, field: str = "VmRSS") -> int:
    """Bytes of memory, now (VmRSS) or at most so far (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) * 1024


def eventually(condition, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.01)
    return met


def refusal(data: bytes) -> str:
    with pytest.raises(PhotoError) as caught:
        clean(data)
    return caught.value.code


def bomb() -> bytes:
    """2,500 megapixels, says its header."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    crc = struct.pack(">I", zlib.crc32(header))
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + crc + b"\0\0\0\x63IDAT" + bytes(99)
    )


def test_a_photo_comes_back_clean_through_a_child():
    result = clean(photo(size=(3000, 2000)))
    assert (result.width, result.height, result.mime) == (2048, 1365, "image/jpeg")
    assert Image.open(BytesIO(result.thumb)).size == (320, 213)
    assert result.hints == ("blurred",)


def test_a_result_comes_back_as_the_png_that_it_was():
    assert clean_result(photo("PNG")).mime == "image/png"
    assert clean(photo("PNG")).mime == "image/jpeg"


def test_a_heic_is_decoded_in_the_limited_child_too():
    import pillow_heif

    out = BytesIO()
    pillow_heif.from_pillow(Image.linear_gradient("L").convert("RGB")).save(out)
    assert clean(out.getvalue()).width == 256


def test_a_refusal_in_the_child_reaches_the_caller_and_costs_no_child():
    clean(photo())
    before = pids()
    assert refusal(bomb()) == "photo_too_many_pixels"
    assert refusal(photo()[:900]) == "photo_broken"
    assert pids() == before


def test_what_the_first_bytes_condemn_needs_no_child():
    assert refusal(b"") == "photo_empty"
    assert refusal(b"GIF89a") == "photo_not_supported"
    assert refusal(photo() + bytes(11 * MEBIBYTE)) == "photo_too_large"
    assert pids() == set()


def test_one_child_serves_many_photos_one_after_another():
    clean(photo())
    before = pids()
    for _ in range(5):
        clean(photo())
    assert pids() == before


def test_many_threads_share_two_children():
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(clean, [photo(size=(200 + n, 200)) for n in range(24)]))
    assert [result.width for result in results] == list(range(200, 224))
    assert len(pids()) <= 2


def test_a_child_that_was_killed_while_idle_is_replaced():
    clean(photo())
    before = pids()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert clean(photo()).width == 400
    assert not pids() & before


DIES_OVER_AN_ORDER = "import os; os.write(0, b'\\n'); os.read(0, 9); os.abort()"


def test_a_child_that_is_killed_in_the_middle_costs_nothing_but_time(slow, monkeypatch):
    clean(photo())
    (victim,) = pids()
    threading.Timer(0.3, os.kill, (victim, signal.SIGKILL)).start()
    monkeypatch.setitem(sandbox.RECIPES, "photo", replace(sandbox.RECIPES["photo"], seconds=1))
    assert refusal(slow) == "photo_timeout"  # Tried again, and slow again.
    assert not is_alive(victim)
    assert clean(photo()).width == 400


def test_a_photo_that_kills_every_child_is_broken(monkeypatch):
    monkeypatch.setattr(sandbox, "BOOT", sandbox.BOOT.replace("serve()", DIES_OVER_AN_ORDER))
    assert refusal(photo()) == "photo_broken"
    monkeypatch.undo()
    assert clean(photo()).width == 400


def test_a_child_that_does_not_start_is_our_fault_and_not_the_photos(monkeypatch):
    monkeypatch.setattr(sandbox, "BOOT", "raise SystemExit(1)")
    with pytest.raises(RuntimeError, match="does not start"):
        clean(photo())
    assert pids() == set()


def test_a_photo_that_takes_too_long_is_stopped_and_its_child_replaced(slow, monkeypatch):
    clean(photo())
    (hung,) = pids()
    monkeypatch.setitem(sandbox.RECIPES, "photo", replace(sandbox.RECIPES["photo"], seconds=0.5))
    start = time.monotonic()
    assert refusal(slow) == "photo_timeout"
    assert time.monotonic() - start < 2
    assert not is_alive(hung)
    assert clean(photo()).width == 400


def test_a_hung_photo_does_not_disturb_its_neighbour(slow, monkeypatch):
    monkeypatch.setitem(sandbox.RECIPES, "photo", replace(sandbox.RECIPES["photo"], seconds=1))
    with ThreadPoolExecutor(2) as threads:
        hung = threads.submit(refusal, slow)
        assert [clean(photo()).width for _ in range(5)] == [400] * 5
        assert hung.result() == "photo_timeout"


def test_a_child_has_little_memory_no_secrets_and_none_of_our_files(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "hush")
    with open(os.devnull) as ours:
        os.set_inheritable(ours.fileno(), True)
        clean(photo())
    (pid,) = pids()
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert f"Max address space         {sandbox.MEMORY}" in limits
    assert b"SECRET_KEY" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2"]


def test_a_child_loads_no_django():
    code = "import sys, generation.sandbox; print('django' in sys.modules, 'numpy' in sys.modules)"
    shown = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert shown.split() == ["False", "False"]


def test_memory_stays_bounded_over_bad_and_large_files():
    huge = photo("PNG", (7300, 5400), compress_level=1)
    clean(photo())
    before = resident("self")
    for data in (bomb(), photo()[:900], b"\xff\xd8\xff" + bytes(9 * MEBIBYTE), huge[:-900]):
        assert refusal(data) in ("photo_too_many_pixels", "photo_broken")
    assert clean(huge).width == 2048
    assert resident("self") - before < 100 * MEBIBYTE
    (pid,) = pids()
    assert resident(pid) < 200 * MEBIBYTE
    assert resident(pid, "VmHWM") < sandbox.MEMORY


def test_close_ends_the_children_and_the_next_photo_starts_new_ones():
    clean(photo())
    before = pids()
    close()
    assert not any(map(is_alive, before))
    assert clean(photo()).width == 400


def test_a_forked_server_gets_children_of_its_own():
    clean(photo())
    inherited = pids()
    pid = os.fork()
    if pid == 0:
        own = clean(photo()).width == 400 and not pids() & inherited
        close()
        os._exit(0 if own else 1)
    assert os.waitpid(pid, 0)[1] == 0
    clean(photo())
    assert pids() == inherited


ORPHANING = """
import sys, time
from generation import sandbox
from PIL import Image
from io import BytesIO
out = BytesIO()
Image.new("RGB", (64, 64)).save(out, "PNG")
sandbox.clean(out.getvalue())
print(next(iter(sandbox._pool.alive)).process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_children_end_with_a_server_that_is_killed(ending):
    command = [sys.executable, "-c", ORPHANING]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        child = int(server.stdout.readline())
        assert is_alive(child)
        server.send_signal(ending)
        server.wait()
    assert eventually(lambda: not is_alive(child))


def test_a_busy_child_ends_by_its_own_alarm_when_nobody_is_left_to_stop_it(slow, monkeypatch):
    quick = "sandbox.RECIPES['photo'] = replace(sandbox.RECIPES['photo'], seconds=-1.5); "
    start = "from dataclasses import replace; from generation import sandbox; "
    boot = sandbox.BOOT.replace("from generation.sandbox import serve; serve()", "")
    monkeypatch.setattr(sandbox, "BOOT", boot + start + quick + "sandbox.serve()")
    child = sandbox.Child()
    sandbox._send(child.socket, {"recipe": "photo"}, slow, b"")
    assert child.process.wait(timeout=5) == -signal.SIGALRM
    child.end()
