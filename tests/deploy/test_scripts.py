"""What the scripts promise besides: a dry run, one at a time, secrets kept, and the way by Docker.

Docker is not here: in its place stands a command that writes down what it was asked for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SECRET = "not-to-be-seen"
Run = Callable[..., subprocess.CompletedProcess[str]]

DOCKER = """#!/usr/bin/env bash
echo "$(basename "$0") $*" >> "$ASKED"
case "$*" in *"$REFUSED"* | "image inspect"*) exit 1 ;; esac
"""
SSH = """#!/bin/sh
# As a server does it: one line for the login shell, which need not be bash.
echo "ssh $*" | cut -c 1-80 >> "$ASKED"
while [ "$1" = -o ]; do shift 2; done
shift
exec sh -c "$*"
"""
CURL = """#!/usr/bin/env bash
echo "{\\"commit\\": \\"$SERVED\\"}"
"""

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not here")


def git(*arguments: str) -> str:
    command = ["git", "-c", "safe.directory=*", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def host(tmp_path: Path) -> Path:
    for name, text in {"docker": DOCKER, "ssh": SSH, "curl": CURL}.items():
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(text)
        command.chmod(0o755)
    (tmp_path / "studio").mkdir()
    (tmp_path / "production.env").write_text(
        f"SECRET_KEY={SECRET}\nSITE_URL=https://studio.example\nTELEGRAM_BOT_TOKEN=1:x\n"
    )
    return tmp_path


@pytest.fixture
def run(host: Path) -> Run:
    def run(
        *command: str, refused: str = "nothing at all", at: str = ""
    ) -> subprocess.CompletedProcess[str]:
        env = {"PATH": f"{host / 'bin'}:{os.environ['PATH']}", "STUDIO_DIR": str(host / "studio")}
        env |= {
            "ASKED": str(host / "asked"),
            "REFUSED": refused,
            "SERVED": git("rev-parse", "HEAD"),
        }
        env |= {"DEPLOY_HOST": at, "STUDIO_FREE_MB": "1", "STUDIO_WAIT_SECONDS": "1"}
        # In CI the checkout may belong to somebody else than whoever runs the tests.
        env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory"}
        env |= {"GIT_CONFIG_VALUE_0": "*"}
        path = str(ROOT / "docker" / command[0])
        return subprocess.run(
            [path, *command[1:]], env=env, capture_output=True, text=True, check=False
        )

    return run


def asked(host: Path) -> list[str]:
    """What Docker was asked for, without what every line repeats."""
    text = (host / "asked").read_text().replace(str(host / "studio"), "")
    return [line for line in text.splitlines() if "compose version" not in line]


def place_of(lines: list[str], *words: str) -> int:
    found = [n for n, line in enumerate(lines) if all(word in line for word in words)]
    assert found, f"{words} in none of:\n" + "\n".join(lines)
    return found[0]


def test_the_first_deploy_by_docker_goes_through_its_steps_in_order(host: Path, run: Run) -> None:
    done = run("deploy.sh", "--env", str(host / "production.env"))
    assert done.returncode == 0, done.stderr
    lines = asked(host)
    steps = [
        ("docker build", "COMMIT="), ("up -d", "--wait postgres redis"),
        ("run --rm", "manage.py doctor"), ("run --rm", "-T migrate"),
        ("studio-blue", "up -d", "web socket"), ("studio-blue", "--wait", "web socket"),
        ("-p studio exec", "start reload"), ("studio-blue", "--wait", "beat bot"),
    ]  # fmt: skip
    places = [place_of(lines, *step) for step in steps]
    assert places == sorted(places)
    upstreams = host / "studio" / "shared" / "docker" / "nginx" / "upstreams.conf"
    assert "server web-blue:8000;" in upstreams.read_text()
    assert "server socket-blue:8001;" in upstreams.read_text()


def test_the_second_deploy_stops_the_first_only_after_the_switch(host: Path, run: Run) -> None:
    run("deploy.sh", "--env", str(host / "production.env"))
    (host / "asked").unlink()
    assert run("deploy.sh").returncode == 0
    lines = asked(host)
    switched = place_of(lines, "start reload")
    assert place_of(lines, "studio-green", "up -d", "web socket") < switched
    assert switched < place_of(lines, "studio-blue", "rm --stop", "beat bot")
    while not (let_go := [line for line in asked(host) if "--force web socket worker-" in line]):
        time.sleep(0.05)
    assert "studio-blue" in let_go[0]
    assert (host / "studio" / "current").read_text().startswith("green ")


def test_another_machine_is_reached_by_ssh_whatever_its_shell(host: Path, run: Run) -> None:
    done = run("deploy.sh", "--env", str(host / "production.env"), at="me@studio.example")
    assert done.returncode == 0, done.stderr
    lines = asked(host)
    assert place_of(lines, "ssh", "BatchMode=yes", "me@studio.example") == 0
    assert SECRET not in "".join(lines)
    (copy,) = (host / "studio" / "releases").glob("*/.env")
    assert copy.read_text() == (host / "production.env").read_text()


def test_what_does_not_get_well_is_removed_and_the_old_serves_on(host: Path, run: Run) -> None:
    run("deploy.sh", "--env", str(host / "production.env"))
    (host / "asked").unlink()
    done = run("deploy.sh", refused="--wait-timeout 1 web")
    assert done.returncode == 1
    assert "rolled back: green is removed, blue serves on" in done.stderr
    place_of(asked(host), "studio-green", "rm --stop")
    assert not [line for line in asked(host) if "studio-blue" in line or "reload" in line]
    assert (host / "studio" / "current").read_text().startswith("blue ")


def test_a_switch_that_fails_is_switched_back(host: Path, run: Run) -> None:
    run("deploy.sh", "--env", str(host / "production.env"))
    done = run("deploy.sh", refused="--wait-timeout 1 beat bot")
    assert done.returncode == 1
    assert "blue serves again, green is removed" in done.stderr
    upstreams = host / "studio" / "shared" / "docker" / "nginx" / "upstreams.conf"
    assert "server web-blue:8000;" in upstreams.read_text()


def test_a_rollback_builds_and_migrates_nothing(host: Path, run: Run) -> None:
    run("deploy.sh", "--env", str(host / "production.env"))
    run("deploy.sh")
    (host / "asked").unlink()
    assert run("rollback.sh").returncode == 0
    assert not [line for line in asked(host) if "build" in line or "migrate" in line]
    assert (host / "studio" / "current").read_text().startswith("blue ")


def test_there_is_nothing_to_roll_back_to_after_one_deploy(host: Path, run: Run) -> None:
    run("deploy.sh", "--env", str(host / "production.env"))
    assert "Nothing served before" in run("rollback.sh").stderr


def test_the_environment_file_is_for_its_owner_alone_and_never_said(host: Path, run: Run) -> None:
    done = run("deploy.sh", "--env", str(host / "production.env"))
    (copy,) = (host / "studio" / "releases").glob("*/.env")
    assert SECRET in copy.read_text()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert SECRET not in done.stdout + done.stderr + (host / "asked").read_text()


def test_a_dry_run_says_every_step_and_changes_nothing(host: Path, run: Run) -> None:
    done = run("deploy.sh", "--dry-run", "--env", str(host / "production.env"))
    assert done.returncode == 0, done.stderr
    for word in (
        "receive ",
        "build ",
        "migrate ",
        "start blue",
        "switch blue",
        "nothing was changed",
    ):
        assert word in done.stderr
    assert list((host / "studio").iterdir()) == []


def test_a_broken_connection_or_a_commit_that_is_not_there_ends_it(host: Path, run: Run) -> None:
    assert "No such commit" in run("deploy.sh", "nobody-knows-it").stderr
    shutil.rmtree(host / "studio")
    assert "must be there" in run("deploy.sh").stderr


@pytest.fixture
def held(host: Path) -> Iterator[None]:
    """Somebody else deploys."""
    lock = host / "studio" / "lock"
    holder = subprocess.Popen(["flock", lock, "sleep", "60"], start_new_session=True)
    while subprocess.run(["flock", "-n", lock, "true"], check=False).returncode == 0:
        time.sleep(0.05)
    yield
    os.killpg(holder.pid, 15)
    holder.wait()


def test_a_deploy_that_is_killed_holds_nobody_up(host: Path, run: Run) -> None:
    """The lock lasts for as long as the host hears whoever deploys."""
    (host / "bin" / "docker").write_text(DOCKER + 'case "$*" in *build*) sleep 60 ;; esac\n')
    env = {"PATH": f"{host / 'bin'}:{os.environ['PATH']}", "STUDIO_DIR": str(host / "studio")}
    env |= {"ASKED": str(host / "asked"), "REFUSED": "nothing", "STUDIO_FREE_MB": "1"}
    script = str(ROOT / "docker" / "deploy.sh")
    dying = subprocess.Popen([script], env=env, stderr=subprocess.DEVNULL, start_new_session=True)
    while not (host / "asked").exists() or "build" not in (host / "asked").read_text():
        assert dying.poll() is None
        time.sleep(0.05)
    assert "Another deploy is under way" in run("deploy.sh").stderr
    dying.kill()
    dying.wait()
    lock = ["flock", "-w", "30", str(host / "studio" / "lock"), "true"]
    assert subprocess.run(lock, check=False).returncode == 0
    os.killpg(dying.pid, 9)


@pytest.mark.usefixtures("held")
def test_two_deploys_never_run_at_once(run: Run) -> None:
    assert "Another deploy is under way" in run("deploy.sh").stderr


def test_the_workflow_deploys_after_the_tests_one_at_a_time_by_the_same_script() -> None:
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text())
    deploy = flow["jobs"]["deploy"]
    assert "test" in deploy["needs"]
    assert flow["jobs"]["test"]["uses"] == "./.github/workflows/ci.yml"
    assert deploy["concurrency"] == {"group": "production", "cancel-in-progress": False}
    assert deploy["environment"] == "production"
    assert any("docker/deploy.sh" in step.get("run", "") for step in deploy["steps"])


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not here")
def test_the_scripts_are_clean() -> None:
    scripts = [*ROOT.glob("docker/*.sh"), *ROOT.glob("docker/hosts/*.sh")]
    done = subprocess.run(
        ["shellcheck", "-x", *scripts], cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stdout.decode()
