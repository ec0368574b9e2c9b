"""The image's recipe, as far as it can be judged without an engine. `test_running` runs it."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.docker import root
from tests.docker.root import ROOT

DOCKER = ROOT / "docker"
FIRST, LAST = root.read()


def test_dependencies_are_installed_before_the_code_is_there() -> None:
    """So a change of code begins after the slow step."""
    words = [f"{name} {rest}" for name, rest in root.instructions(root.DOCKERFILE.read_text())]
    install = next(n for n, step in enumerate(words) if "pip install" in step)
    assert "COPY requirements/base.txt requirements/base.txt" in words[:install]
    assert words.index("COPY . .") > install
    assert "--retries" in words[install]
    assert "--mount=type=cache" in words[install]


def test_a_new_commit_alone_builds_nothing_anew() -> None:
    words = [name for name, _rest in root.instructions(root.DOCKERFILE.read_text())]
    after = words[len(words) - words[::-1].index("ARG") :]
    assert "RUN" not in after
    assert "COPY" not in after


def test_it_runs_as_nobody_in_particular() -> None:
    assert LAST.settings["USER"] == "studio"
    assert LAST.environment["DEBUG"] == "false"
    assert LAST.environment["DATA_DIR"] == "/data"


@pytest.mark.parametrize("name", ["role", "healthy", "nginx/start"])
def test_its_commands_can_be_run(name: str) -> None:
    assert os.access(DOCKER / name, os.X_OK)
    if "bin/sh" in (DOCKER / name).read_text().splitlines()[0]:
        subprocess.run(["sh", "-n", DOCKER / name], check=True)
        if shutil.which("shellcheck"):
            subprocess.run(["shellcheck", DOCKER / name], check=True)
    assert LAST.environment["PATH"].startswith("/app/docker:")
    assert LAST.settings["ENTRYPOINT"] == '["role"]'
    assert LAST.settings["HEALTHCHECK"].endswith('CMD ["healthy"]')


@pytest.mark.parametrize(
    "path",
    [".env", ".env.production", "docker/tls/privkey.pem", ".git/config", "var/secret_key",
     "tests/conftest.py", "aibot/__pycache__/x.pyc", "docker/deploy.sh"],
)  # fmt: skip
def test_it_holds_no_secret_and_nothing_that_it_does_not_need(path: str) -> None:
    assert root.is_left_out(path)


@pytest.mark.parametrize(
    "path",
    ["manage.py", "gunicorn.conf.py", "docker/role", "docker/healthy", "requirements/base.txt",
     "locale/ru/LC_MESSAGES/django.mo", "static/css/base.css", "templates/base.html"],
)  # fmt: skip
def test_it_holds_what_the_roles_need(path: str) -> None:
    assert (ROOT / path).is_file()
    assert not root.is_left_out(path)


def test_every_translation_is_compiled() -> None:
    written = {path.with_suffix("") for path in (ROOT / "locale").rglob("*.po")}
    assert written == {path.with_suffix("") for path in (ROOT / "locale").rglob("*.mo")}


def test_an_unknown_word_to_the_door_is_explained() -> None:
    env = {"SITE_URL": "http://a", "PATH": os.environ["PATH"]}
    dance = [DOCKER / "nginx" / "start", "dance"]
    said = subprocess.run(dance, env=env, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (2, "start, start reload or start healthy\n")
