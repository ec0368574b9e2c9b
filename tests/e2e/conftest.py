"""The whole studio in one process with data of its own, and a Chromium that opens it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.e2e.walking import PHONE, sign_in
from tests.vendors.botapi import BotApi

if TYPE_CHECKING:
    from tests.e2e.bots import Bot

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
START_SECONDS = 90
# What this studio must not inherit from the run around it: it is a clone with no servers.
SERVERS = {"DATABASE_URL", "REDIS_URL", "CACHE_URL", "CHANNELS_URL", "BROKER_URL"}
SECRETS = {"TELEGRAM_BOT_TOKEN", "SECRET_KEY"}

Visit = Callable[..., Page]


class Studio:
    """Where the studio is, and commands beside it on the same data."""

    def __init__(self, port: int, environment: dict[str, str]) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.environment = environment

    def command(self, *words: str) -> None:
        """`manage.py` with these words."""
        subprocess.run(
            self.manage(*words), env=self.environment, check=True, capture_output=True, timeout=60
        )

    def manage(self, *words: str) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *words]

    def shell(self, code: str) -> list[str]:
        """Python with the studio's data; nothing but what it prints itself."""
        setup = "import django; django.setup()"
        return [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(ROOT)!r}); {setup}\n{code}",
        ]

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/health", timeout=2) as answer:
                return answer.status == 200
        except (URLError, OSError):
            return False


@pytest.fixture(scope="package")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with running(tmp_path_factory.mktemp("studio")) as studio:
        yield studio


@pytest.fixture(scope="package")
def telegram() -> Iterator[BotApi]:
    """Telegram's Bot API, which enforces its pace."""
    with BotApi(enforce_pace=True) as api:
        yield api


@pytest.fixture(scope="package")
def bot(telegram: BotApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """`runbot` as a process of its own beside a studio."""
    from tests.e2e.bots import serving

    with serving(tmp_path_factory.mktemp("bot"), telegram) as bot:
        yield bot


@contextmanager
def running(data: Path, **settings: str) -> Iterator[Studio]:
    """The studio with its data in this folder, until the block ends."""
    port = _free_port()
    environment = {name: os.environ[name] for name in os.environ.keys() - SERVERS - SECRETS}
    # One job at a time, so that a queue lasts long enough to be looked at.
    environment |= {"PORT": str(port), "DATA_DIR": str(data), "WORKER_CONCURRENCY": "1"}
    environment |= {"ENV_FILE": os.devnull, "DEBUG": "true", **settings}
    environment |= {"DJANGO_SETTINGS_MODULE": "aibot.settings"}
    log = (data / "log").open("w+")
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "studio"], env=environment, stdout=log, stderr=log
    )
    try:
        yield _healthy(Studio(port, environment), process, data / "log")
    finally:
        process.terminate()
        process.wait(timeout=15)


def _healthy(studio: Studio, process: subprocess.Popen[bytes], log: Path) -> Studio:
    deadline = time.monotonic() + START_SECONDS
    while not studio.is_healthy():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    return studio


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, one for each file: while Playwright lives, Django takes us for async code."""
    if not CHROMIUM.exists():
        missing = f"{CHROMIUM} is missing: apt-get install chromium"
        pytest.fail(missing) if os.environ.get("REQUIRE_ALL") == "1" else pytest.skip(missing)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, studio: Studio) -> Iterator[Visit]:
    """Opens a page as somebody new who has not signed in; at the end no page has complained."""
    contexts, complaints = [], []

    def open_page(**options: object) -> Page:
        wanted = {"base_url": studio.address, "viewport": PHONE, "locale": "en-US"} | options
        context = browser.new_context(**wanted)
        contexts.append(context)
        context.route(lambda url: not url.startswith(studio.address), lambda route: route.abort())
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if _complains(said) else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _complains(said: ConsoleMessage) -> bool:
    """Errors and broken policies. An answer of 4xx is a refusal that the page shows in words."""
    refusal = "the server responded with a status of 4" in said.text
    return said.type == "error" and not refusal


@pytest.fixture
def guest(visit: Visit) -> Page:
    """A page at home, signed in through the demo's door."""
    return sign_in(visit())
