"""The studio as production runs it: real processes on PostgreSQL and a Redis of their own.

Whatever dies is started again half a second later, as a container's supervisor would.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

ROOT = Path(__file__).parents[2]
POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
RESTART_SECONDS = 0.5
START_SECONDS = 60


def missing() -> str:
    """Why the stand cannot be set up on this machine; empty when it can."""
    if not shutil.which("redis-server"):
        return "redis-server is not here: apt-get install redis-server"
    try:
        psycopg.connect(admin_url(), connect_timeout=3).close()
    except psycopg.OperationalError:
        return "no PostgreSQL answers: apt-get install postgresql, or set TEST_DATABASE_URL"
    return ""


def admin_url() -> str:
    return os.environ.get("TEST_DATABASE_URL") or POSTGRES


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stand:
    """A database, a Redis and the processes; all of it is gone when the block ends."""

    def __init__(self, name: str, **environment: object) -> None:
        self.database = f"studio_{name}_{os.getpid()}"
        self.folder = Path(tempfile.mkdtemp(prefix=f"studio-{name}-"))
        self.asked_log = self.folder / "asked.log"
        self.asked_log.touch()
        self.web, self.socket, self.redis_port = free_port(), free_port(), free_port()
        self.environment = self._environment() | {k: str(v) for k, v in environment.items()}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.commands: dict[str, list[str]] = {}
        self.restarts = 0
        self.ending = threading.Event()
        self.changing = threading.Lock()

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {
            "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "ENV_FILE": "/dev/null", "DEBUG": "false", "SECRET_KEY": "chaos" * 10,
            "ALLOWED_HOSTS": "127.0.0.1", "DATABASE_URL": self.database_url,
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0", "DATA_DIR": str(self.folder),
            "CONN_MAX_AGE": "60", "THROTTLE_USER": "1000000/min", "THROTTLE_ANON": "1000000/min",
            "ASKED_LOG": str(self.asked_log), "STEP_MIN": "0.05", "STEP_MAX": "1.5",
        }  # fmt: skip

    @property
    def database_url(self) -> str:
        return urlunsplit(urlsplit(admin_url())._replace(path=f"/{self.database}"))

    def __enter__(self) -> Stand:
        self._admin(f'CREATE DATABASE "{self.database}"')
        try:
            self._start_redis()
            self.prepare()
        except BaseException:
            self.close()
            raise
        threading.Thread(target=self._supervise, daemon=True).start()
        return self

    def prepare(self) -> None:
        self.manage("migrate", "--verbosity=0")
        self.manage("seed")

    def _start_redis(self) -> None:
        """Keeps nothing on disk, so that a restart forgets everything."""
        address = ["--bind", "127.0.0.1", "--port", str(self.redis_port)]
        keeping = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        self.start("redis", ["redis-server", *address, *keeping])

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.ending.set()
        with self.changing:
            for process in self.processes.values():
                kill_group(process)
        self._admin(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')
        shutil.rmtree(self.folder, ignore_errors=True)

    def manage(self, *arguments: str) -> str:
        return self.python("manage.py", *arguments)

    def python(self, *arguments: str) -> str:
        """Runs to its end in the studio's environment; what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, check=False,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start_studio(self, workers: int = 2) -> None:
        """Web, socket, workers and clock; returns when the studio says that it is well."""
        run = [sys.executable, "-m"]
        self.start("web", [*run, "gunicorn", "aibot.wsgi", f"--bind=127.0.0.1:{self.web}",
                           "--workers=1", "--worker-class=gthread", "--threads=8"])  # fmt: skip
        serve = ["daphne", "-b", "127.0.0.1", "-p", str(self.socket), "aibot.asgi:application"]
        self.start("socket", ["env", "CONN_MAX_AGE=0", *run, *serve])
        for number in range(workers):
            name = f"worker{number}"
            self.start(name, [*run, "celery", "-A", "aibot", "worker", "-n", f"{name}@%h"])
        schedule = ["-s", str(self.folder / "schedule")]
        self.start("beat", [*run, "celery", "-A", "aibot", "beat", *schedule])
        self._wait_until_well()

    def _wait_until_well(self) -> None:
        self.wait_for(f"http://127.0.0.1:{self.web}/health")
        self.wait_for(f"http://127.0.0.1:{self.socket}/livez")

    def wait_for(self, url: str) -> None:
        """Until it answers with success."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(url, timeout=2).close()
                return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"{url} did not get well:\n{self.log_tail()}")

    def start(self, name: str, command: list[str]) -> None:
        self.commands[name] = command
        with open(self.folder / f"{name}.txt", "ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def stop(self, name: str) -> None:
        """Dead until it is started again."""
        with self.changing:
            kill_group(self.processes.pop(name))

    def kill(self, name: str) -> int:
        """`kill -9`, to the process alone: what it started has to cope. Returns its id.

        One that is dead already is killed as soon as it lives again.
        """
        while self.processes[name].poll() is not None:
            time.sleep(0.05)
        process = self.processes[name]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return process.pid

    def _supervise(self) -> None:
        while not self.ending.wait(0.1):
            for name, process in list(self.processes.items()):
                if process.poll() is not None and not self.ending.wait(RESTART_SECONDS):
                    self._start_again(name)

    def _start_again(self, name: str) -> None:
        with self.changing:
            if not self.ending.is_set() and name in self.processes:
                self.restarts += 1
                self.start(name, self.commands[name])

    def redis(self) -> redis.Redis:
        return redis.Redis(port=self.redis_port, socket_timeout=5)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(query, values).fetchall()

    def log_tail(self, lines: int = 15) -> str:
        tails = []
        for path in sorted(self.folder.glob("*.txt")):
            text = path.read_text(errors="replace").splitlines()[-lines:]
            tails.append("\n".join([f"--- {path.stem}", *text]))
        return "\n".join(tails)

    def _admin(self, statement: str) -> None:
        with psycopg.connect(admin_url(), autocommit=True) as connection:
            connection.execute(statement)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """The process and what it started, as gunicorn its workers."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
