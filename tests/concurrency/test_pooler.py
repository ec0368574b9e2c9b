"""The queue and the books behind PgBouncer, which gives a connection for one transaction only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection

FOLDER = str(Path(__file__).parent)
ROOT = Path(__file__).resolve().parents[2]
POOLER = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
NAME = "pooled"
RACES = "claimed_once or last_slot or last_credit or refund_asked or exactly_one_wins or one_of_64"
CONFIG = """
[databases]
* = host={HOST} port={PORT} user={USER} password={PASSWORD}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {free}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 12
max_client_conn = 500
"""


@pytest.fixture
def pooler(tmp_path: Path) -> Iterator[str]:
    """Its address. Twelve connections for everybody."""
    if not Path(POOLER).exists():
        missing = "PgBouncer is missing: apt-get install pgbouncer"
        pytest.fail(missing) if os.environ.get("REQUIRE_ALL") == "1" else pytest.skip(missing)
    server = connection.settings_dict
    given = {name: server[name] or default for name, default in SERVER.items()}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    file = tmp_path / "pgbouncer.ini"
    file.write_text(CONFIG.format(**given, free=free))
    tmp_path.chmod(0o755)
    file.chmod(0o644)
    nobody = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen([POOLER, "-q", *nobody, str(file)])
    _wait_for(free)
    yield f"postgres://anybody@127.0.0.1:{free}"
    process.terminate()
    process.wait(10)
    with psycopg.connect(_direct(given), autocommit=True) as direct:
        direct.execute(f"DROP DATABASE IF EXISTS test_{NAME} WITH (FORCE)")


SERVER = {"HOST": "127.0.0.1", "PORT": "5432", "USER": "postgres", "PASSWORD": "none"}


def _direct(given: dict[str, str]) -> str:
    login = f"{given['USER']}:{given['PASSWORD']}"
    return f"postgres://{login}@{given['HOST']}:{given['PORT']}/postgres"


def _wait_for(port: int) -> None:
    for _try in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError


@pytest.mark.django_db
def test_races_end_the_same_behind_a_pooler(pooler: str) -> None:
    """Some tests of this folder once more, in a process of their own."""
    environment = os.environ | {"DATABASE_URL": f"{pooler}/{NAME}", "DATABASE_POOLED": "true"}
    for name in [name for name in environment if name.startswith("PYTEST_")]:
        del environment[name]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--create-db", "--reuse-db", "-k", RACES, FOLDER],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-4000:]
    assert "6 passed" in run.stdout.splitlines()[-1]
