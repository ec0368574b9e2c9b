"""The shipped studio on this machine: every role by `docker/role` inside the image's root, and
nginx by `docker/nginx/start` before them. What a container is given, each process is given here.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2

from tests.chaos import stand
from tests.chaos.stand import Stand, free_port
from tests.docker import root
from tests.vendors.botapi import TOKEN, BotApi

PATH = f"{os.environ['PATH']}:/usr/sbin"
NEEDED = {"nginx": "nginx-light", "curl": "curl", "envsubst": "gettext-base", "openssl": "openssl"}
WELL_SECONDS = 90


def missing() -> str:
    for command, package in NEEDED.items():
        if not shutil.which(command, path=PATH):
            return f"{command} is not here: apt-get install {package}"
    return stand.missing() or root.missing()


class Unprepared(Stand):
    def prepare(self) -> None:
        """The role does it."""


class House:
    def __init__(self) -> None:
        self.here = Path(tempfile.mkdtemp(prefix="studio-house-"))
        self.root = self.here / "root"
        self.http, self.https, self.socket, self.web = (free_port() for _ in range(4))
        self.site = f"https://localhost:{self.https}"
        self.stand = Unprepared("docker")
        self.telegram = BotApi()

    def __enter__(self) -> House:
        self.here.chmod(0o755)
        self.steps = root.build(self.root)
        self.stand.__enter__()
        self.telegram.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.telegram.__exit__(*exception)
        self.stand.__exit__(*exception)
        shutil.rmtree(self.here, ignore_errors=True)

    def environment(self, **more: str) -> dict[str, str]:
        return root.environment(
            SECRET_KEY="house" * 12, SITE_URL=self.site, ENV_FILE="/dev/null",
            DATABASE_URL=self.stand.database_url, REDIS_URL=self.stand.environment["REDIS_URL"],
            TRUSTED_PROXIES="1", MEDIA_ACCEL="/_media/", WEB_PORT=str(self.web),
            SOCKET_PORT=str(self.socket), WEB_WORKERS="1", TELEGRAM_BOT_TOKEN=TOKEN,
            BOT_API_URL=self.telegram.url, METRICS_TOKEN="m3trics", TMPDIR="/data/tmp", **more,
        )  # fmt: skip

    def inside(self, name: str, command: str, **more: str) -> list[str]:
        """The command as the container ``name`` would run it: as user 10001, its /tmp its own."""
        tmp = self.here / f"tmp-{name}"
        tmp.mkdir(exist_ok=True)
        tmp.chmod(0o1777)
        pairs = [f"{key}={value}" for key, value in self.environment(NODE=name, **more).items()]
        writable = ("data", "static") if name == "migrate" else ("data",)
        return [
            "env",
            "-i",
            *pairs,
            *root.enter(self.root, command, writable=writable, user=root.USER, tmp=tmp),
        ]

    def run(self, name: str, command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.inside(name, command, **more),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def start(self, name: str, command: str) -> None:
        self.stand.start(name, self.inside(name, command))

    def becomes_well(self, name: str, asked: str = "healthy") -> None:
        """Until the container's own health command says so."""
        end = time.monotonic() + WELL_SECONDS
        while (said := self.run(name, asked)).returncode:
            assert time.monotonic() < end, said.stderr + self.log(name)[-4000:]
            time.sleep(0.5)

    def start_nginx(self, **more: str) -> None:
        """As compose runs it, with the certificate and the upstreams of this place."""
        config, tls = self.here / "nginx", self.here / "tls"
        shutil.copytree(root.ROOT / "docker" / "nginx", config, dirs_exist_ok=True)
        self.point_at(self.web, self.socket)
        tls.mkdir()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost", "-keyout", tls / "privkey.pem",
             "-out", tls / "fullchain.pem"],
            check=True, capture_output=True,
        )  # fmt: skip
        (tls / "privkey.pem").chmod(0o644)
        self.stand.start("nginx", self.nginx("run", **more))

    def point_at(self, web: int, socket: int) -> None:
        upstreams = self.here / "nginx" / "upstreams.conf"
        shipped = (root.ROOT / "docker" / "nginx" / "upstreams.conf").read_text()
        upstreams.write_text(
            shipped.replace("web:8000", f"127.0.0.1:{web}").replace(
                "socket:8001", f"127.0.0.1:{socket}"
            )
        )

    def nginx(self, what: str, **more: str) -> list[str]:
        run = self.here / "nginx-run"
        run.mkdir(exist_ok=True)
        run.chmod(0o777)
        settings = {
            "PATH": PATH, "SITE_URL": self.site, "HTTP_PORT": self.http, "HTTPS_PORT": self.https,
            "RUN_DIR": run, "TLS_DIR": self.here / "tls", "ACME_DIR": self.here / "acme",
            "MEDIA_DIR": self.root / "data" / "media", "STATIC_DIR": self.root / "static", **more,
        }  # fmt: skip
        user = ["setpriv", "--reuid=10001", "--regid=10001", "--clear-groups"]
        pairs = [f"{name}={value}" for name, value in settings.items()]
        # An engine gives the container's user its output; here a pipe of that user's own does.
        command = f"{self.here}/nginx/start {what} | cat; exit ${{PIPESTATUS[0]}}"
        return ["env", "-i", *pairs, *user, "bash", "-c", command]

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.here / "tls" / "fullchain.pem"))

    def client(self, **headers: str) -> httpx2.Client:
        return httpx2.Client(base_url=self.site, verify=self.tls(), headers=headers, timeout=30)

    def log(self, name: str) -> str:
        return (self.stand.folder / f"{name}.txt").read_text(errors="replace")

    def reload(self, **more: str) -> None:
        subprocess.run(self.nginx("reload", **more), check=True, capture_output=True)

    def people(self, number: int, name: str = "person") -> list[dict[str, Any]]:
        return json.loads(self.stand.python("-m", "tests.chaos.make_people", str(number), name))

    def exactly(self, path: str, **headers: str) -> http.client.HTTPResponse:
        """Asks for the path letter by letter, as no polite client would."""
        line = http.client.HTTPSConnection("localhost", self.https, context=self.tls(), timeout=10)
        line.request("GET", path, headers=headers)
        return line.getresponse()


def raw(port: int, path: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    """Asks a process directly, without the door."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    line.request("GET", path, headers=headers or {})
    return line.getresponse()
