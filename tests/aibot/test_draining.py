"""The doors end politely: not ready, still serving, and a word to every socket before it closes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

ROOT = Path(__file__).parents[2]
SECONDS = 60
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A process of the studio with a data folder of its own; it does not outlive the test."""
    started: list[subprocess.Popen[bytes]] = []
    env = {"PATH": os.environ["PATH"], "ENV_FILE": "/dev/null", "DATA_DIR": str(tmp_path)}
    env |= {"DJANGO_SETTINGS_MODULE": "aibot.settings", "DRAIN_SECONDS": "3"}

    def run(*command: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=env))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def answer(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as said:
            return said.status, said.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def eventually(what: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with suppress(OSError):
            if what():
                return
        time.sleep(0.05)
    raise AssertionError("it did not come to pass")


def test_web_says_that_it_is_not_ready_serves_on_and_ends(start: Start, port: int) -> None:
    web = start("gunicorn", "aibot.wsgi", f"--bind=127.0.0.1:{port}", "--workers=2")
    eventually(lambda: answer(port, "/readyz")[0] == 200)
    web.send_signal(signal.SIGTERM)
    eventually(lambda: answer(port, "/readyz")[0] == 503)
    assert json.loads(answer(port, "/readyz")[1])["status"] == "draining"
    assert answer(port, "/livez")[0] == 200
    assert web.wait(SECONDS) == 0


def test_sockets_are_told_that_the_server_restarts(start: Start, port: int) -> None:
    server = ("aibot.socket_server", "-b", "127.0.0.1", "-p", str(port))
    door = start(*server, "tests.aibot.held_socket:application")
    eventually(lambda: answer(port, "/") == (200, "here"))
    with connect(f"ws://127.0.0.1:{port}/") as ws:
        door.send_signal(signal.SIGTERM)
        assert answer(port, "/") == (200, "here")
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(timeout=SECONDS)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert door.wait(SECONDS) == 0
