"""A return to any minute: docker/wal, with a PostgreSQL cluster of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.chaos.stand import free_port

SCRIPTS = Path(__file__).parents[2] / "docker" / "wal"
SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
AS_GIVEN = "YYYY-MM-DD HH24:MI:SS.US"
PATIENCE = 60  # seconds


class Cluster:
    """PostgreSQL refuses to run as root, so everything here belongs to its own system user."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data, self.port = folder, folder / "data", free_port()
        shutil.copytree(SCRIPTS, folder / "scripts")
        (folder / "wal").mkdir()
        self.rights = ["/usr/sbin/runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.rights:
            subprocess.run(["chown", "-R", "postgres", folder], check=True)
        self.environment = {
            "PATH": f"{SERVERS[-1].parent}:/usr/sbin:/usr/bin:/bin", "WAL_DIR": str(folder / "wal"),
            "PGHOST": str(folder), "PGPORT": str(self.port), "PGUSER": "postgres", "LC_ALL": "C",
        }  # fmt: skip

    def run(self, *command: object, well: bool = True) -> str:
        done = subprocess.run(
            [*self.rights, *map(str, command)], env=self.environment, cwd=self.folder,
            check=False, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        assert (done.returncode == 0) is well, done.stdout + done.stderr
        return done.stdout + done.stderr

    def script(self, name: str, *arguments: object) -> str:
        return self.run(self.folder / "scripts" / name, *arguments)

    def start(self) -> None:
        options = (
            f"-c port={self.port} -c unix_socket_directories={self.folder} -c listen_addresses='' "
            f"-c archive_mode=on -c archive_command='{self.folder}/scripts/archive %p %f' "
            "-c fsync=off"
        )
        self.run("pg_ctl", "-D", self.data, "-l", self.folder / "log.txt", "-w", "-o", options,
                 "start")  # fmt: skip

    def stop(self) -> None:
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    def sql(self, query: str) -> list[tuple[object, ...]]:
        address = f"host={self.folder} port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            found = connection.execute(query)
            return found.fetchall() if found.description else []

    def wait(self, query: str) -> None:
        end = time.monotonic() + PATIENCE
        while self.sql(query) != [(True,)]:
            assert time.monotonic() < end, query
            time.sleep(0.2)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if not SERVERS:
        reason = "PostgreSQL's own programs are not here: apt-get install postgresql"
        (pytest.fail if os.environ.get("REQUIRE_ALL") else pytest.skip)(reason)
    folder = Path(f"/tmp/studio-wal-{os.getpid()}")
    folder.mkdir()
    made = Cluster(folder)
    try:
        made.run("initdb", "-D", made.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N")
        made.start()
        yield made
    finally:
        subprocess.run(
            [*made.rights, SERVERS[-1].parent / "pg_ctl", "-D", made.data, "-m", "immediate",
             "stop"], cwd=folder, check=False, capture_output=True,
        )  # fmt: skip
        shutil.rmtree(folder)


@pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="one pass is enough")
def test_a_cluster_returns_to_the_minute_before_the_mistake(cluster: Cluster) -> None:
    cluster.sql("CREATE TABLE books (number int)")
    cluster.sql("INSERT INTO books VALUES (1)")
    cluster.script("base")
    time.sleep(1.1)  # a base is named by its second
    cluster.sql("INSERT INTO books VALUES (2)")
    ((before,),) = cluster.sql(f"SELECT to_char(now() AT TIME ZONE 'UTC', '{AS_GIVEN}')")
    cluster.sql("DELETE FROM books")
    ((segment,),) = cluster.sql("SELECT pg_walfile_name(pg_switch_wal())")
    cluster.wait(f"SELECT last_archived_wal >= '{segment}' FROM pg_stat_archiver")
    cluster.stop()
    shutil.rmtree(cluster.data)
    cluster.script("restore", cluster.data, before)
    cluster.start()
    cluster.wait("SELECT NOT pg_is_in_recovery()")
    assert cluster.sql("SELECT number FROM books ORDER BY 1") == [(1,), (2,)]


def archive(folder: Path, name: str, most: int = 100) -> subprocess.CompletedProcess[str]:
    segment = folder / name
    segment.write_bytes(b"log of " + name.encode())
    return subprocess.run(
        [SCRIPTS / "archive", segment, name], check=False, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "WAL_DIR": str(folder / "wal"), "WAL_MOST_MB": str(most)},
    )  # fmt: skip


def test_a_segment_is_kept_once_and_never_changed(tmp_path: Path) -> None:
    assert archive(tmp_path, "0001").returncode == 0
    assert archive(tmp_path, "0001").returncode == 0
    (tmp_path / "wal" / "log" / "0001").write_bytes(b"another")
    assert archive(tmp_path, "0001").returncode != 0
    assert (tmp_path / "wal" / "log" / "0001").read_bytes() == b"another"


def test_above_the_limit_nothing_is_kept_and_it_is_said(tmp_path: Path) -> None:
    assert archive(tmp_path, "0001").returncode == 0
    full = archive(tmp_path, "0002", most=0)
    assert full.returncode == 0
    assert "WAL_MOST_MB" in full.stderr
    assert (tmp_path / "wal" / "gap").read_text() == "0002\n"
    assert not (tmp_path / "wal" / "log" / "0002").exists()


def test_a_folder_that_is_not_empty_is_spared(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("15")
    done = subprocess.run(
        [SCRIPTS / "restore", tmp_path / "data"], check=False, capture_output=True, text=True
    )
    assert (done.returncode, "not empty" in done.stderr) == (1, True)
