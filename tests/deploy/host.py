"""A stand-in host on this machine: a folder, a database, a Redis, and commits to deploy.

Everything else is the project's own: `docker/deploy.sh`, `docker/rollback.sh`, real processes and a
real nginx with TLS.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.stand import ROOT, Stand
from tests.chaos.stand import missing as nothing_to_stand_on

END_SECONDS = 40
TOOLS = {"nginx": "nginx-light", "openssl": "openssl", "git": "git", "curl": "curl"}


def missing() -> str:
    """Why nothing can be deployed on this machine; empty when it can."""
    for tool, package in TOOLS.items():
        if not shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin"):
            return f"{tool} is not here: apt-get install {package}"
    return nothing_to_stand_on()


@dataclass(frozen=True)
class Act:
    """One deploy or rollback: what it printed, how it ended, how many seconds it took."""

    name: str
    code: int
    seconds: float
    said: str


class Host:
    """Deploys to it go by `deploy`; it is emptied when the block ends."""

    def __init__(self, workers: int, drain_seconds: float, wait_seconds: int = 120) -> None:
        self.stand = Stand("deploy", STEP_MIN=5, STEP_MAX=9)
        self.folder = self.stand.folder / "host"
        self.source = self.stand.folder / "source"
        self.port = two_ports()
        self.ports = f"{two_ports()} {two_ports()}"
        self.acting: asyncio.subprocess.Process | None = None
        self.workers, self.drain_seconds = workers, drain_seconds
        self.wait_seconds = wait_seconds

    def __enter__(self) -> Host:
        self.stand.__enter__()
        try:
            self.folder.mkdir()
            # nginx's workers, who are nobody where root starts them, read pictures in it.
            self.stand.folder.chmod(0o755)
            self._make_certificate()
            self._make_source()
            self._give_packages()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """What is under way is told to put itself back; then every supervisor ends its own."""
        if self.acting and self.acting.returncode is None:
            self.acting.terminate()
            with suppress(ChildProcessError):  # asyncio may have seen its end before us
                os.waitpid(self.acting.pid, 0)
        files = list((self.folder / "run").glob("*.pid"))
        for file in files:
            if pid := pid_of(file):
                os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + END_SECONDS
        for file in files:
            while pid := pid_of(file):
                if time.monotonic() > end:
                    os.killpg(pid, signal.SIGKILL)
                time.sleep(0.1)
        self.stand.close()

    def _make_certificate(self) -> None:
        self.certificate = self.folder / "tls" / "fullchain.pem"
        self.certificate.parent.mkdir()
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        files = ["-out", self.certificate, "-keyout", self.certificate.parent / "privkey.pem"]
        name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        subprocess.run(
            ["openssl", "req", "-x509", "-nodes", *curve, *files, *name],
            check=True,
            capture_output=True,
        )

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    # --- what is deployed -------------------------------------------------------------------

    def _make_source(self) -> None:
        """The working tree as it is, in a repository of its own."""
        names = self._git("ls-files", "-co", "--exclude-standard", at=ROOT).splitlines()
        for name in names:
            if (ROOT / name).is_file():
                copy = self.source / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy)
        self._git("init", "-q")
        self._git("config", "user.name", "test")
        self._git("config", "user.email", "test@localhost")
        self._commit("as it is")

    def _git(self, *arguments: str, at: Path | None = None) -> str:
        command = ["git", "-c", "safe.directory=*", "-C", str(at or self.source), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, file: str, old: str, new: str) -> str:
        """A commit in which this file says something else."""
        path = self.source / file
        text = path.read_text()
        assert old in text, f"{file} does not say {old}"
        path.write_text(text.replace(old, new))
        return self._commit(f"change {file}")

    def _commit(self, message: str) -> str:
        self._git("add", "-A", "-f")
        self._git("commit", "-q", "-m", message)
        return self._git("rev-parse", "HEAD")

    def says(self, file: str, text: str) -> bool:
        return text in (self.source / file).read_text()

    def _give_packages(self) -> None:
        """This environment's, where the host would find those of its last release."""
        digest = subprocess.run(
            "find requirements/base.txt -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum",
            shell=True, cwd=self.source, check=True, capture_output=True, text=True,
        ).stdout[:16]  # fmt: skip
        packages = self.folder / "venvs" / digest
        packages.mkdir(parents=True)
        for name in ("bin", "lib", "pyvenv.cfg"):
            (packages / name).symlink_to(Path(sys.prefix) / name)
        (packages / ".made").touch()

    # --- deploying --------------------------------------------------------------------------

    def environment_file(self) -> Path:
        wanted = {
            "SECRET_KEY": self.stand.environment["SECRET_KEY"] + os.urandom(24).hex(),
            "SITE_URL": f"https://localhost:{self.port}", "HTTPS_PORT": self.port,
            "HTTP_PORT": self.port + 1, "TLS_DIR": self.certificate.parent,
            "TRUSTED_NETWORKS": "127.0.0.1", "DATABASE_URL": self.stand.database_url,
            "REDIS_URL": self.stand.environment["REDIS_URL"],
            "WORKER_DRAIN_SECONDS": self.drain_seconds,
            "THROTTLE_USER": "100000/min", "THROTTLE_ANON": "100000/min",
        }  # fmt: skip
        file = self.stand.folder / "production.env"
        file.write_text("".join(f"{name}={value}\n" for name, value in wanted.items()))
        return file

    @property
    def environment(self) -> dict[str, str]:
        """Of whoever deploys. The scripted provider's part reaches the processes by inheritance."""
        kept = ("PATH", "HOME", "LANG", "ASKED_LOG", "STEP_MIN", "STEP_MAX")
        mine = {name: value for name, value in self.stand.environment.items() if name in kept}
        return mine | {
            "PATH": f"{mine['PATH']}:/usr/sbin", "HOST_KIND": "processes", "STUDIO_FREE_MB": "200",
            "STUDIO_DIR": str(self.folder), "STUDIO_WORKERS": str(self.workers),
            "STUDIO_PORTS": self.ports, "STUDIO_WAIT_SECONDS": str(self.wait_seconds),
            "DJANGO_SETTINGS_MODULE": "tests.deploy.settings",
        }  # fmt: skip

    async def deploy(self, *arguments: str) -> Act:
        return await self._act("deploy.sh", *arguments)

    async def roll_back(self) -> Act:
        return await self._act("rollback.sh")

    async def _act(self, script: str, *arguments: str) -> Act:
        begun = time.monotonic()
        self.acting = process = await asyncio.create_subprocess_exec(
            str(self.source / "docker" / script), *arguments, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,  # as ssh gives one; Linux shares processors out by session
        )  # fmt: skip
        said, _nothing = await process.communicate()
        assert process.returncode is not None
        return Act(script, process.returncode, time.monotonic() - begun, said.decode())

    def recorded(self, name: str) -> list[str]:
        """Colour and commit of what serves (``current``) or did before (``previous``)."""
        return (self.folder / name).read_text().split()

    def serving(self) -> str:
        """The commit that answers behind the door."""
        url = f"https://localhost:{self.port}/livez"
        with urllib.request.urlopen(url, timeout=10, context=self.trust()) as answer:
            return json.load(answer)["commit"]

    def running(self) -> dict[str, list[str]]:
        """The roles of each colour whose supervisors live."""
        roles: dict[str, list[str]] = {"blue": [], "green": []}
        for file in sorted((self.folder / "run").glob("*-*.pid")):
            colour, _dash, role = file.stem.partition("-")
            if pid_of(file):
                roles[colour].append(role)
        return roles

    def logs(self, lines: int = 12) -> str:
        tails = []
        for path in sorted((self.folder / "logs").glob("*.log")):
            text = path.read_text(errors="replace").splitlines()[-lines:]
            tails.append("\n".join([f"--- {path.stem}", *text]))
        return "\n".join(tails)


def pid_of(file: Path) -> int | None:
    """The supervisor that holds this file, if one does."""
    with file.open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(file.read_text())
    return None


def two_ports() -> int:
    """A free port whose successor is free too, below those that outgoing connections get: a port
    that is opened again for each release may be somebody's by then."""
    while True:
        port = random.randrange(20_000, 32_000, 2)
        with suppress(OSError), socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port
