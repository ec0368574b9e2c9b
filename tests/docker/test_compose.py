"""The compose files, as far as they can be judged without an engine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
FILES = {name: (DOCKER / name).read_text() for name in ("compose.yml", "compose.prod.yml")}
STACKS = {name: yaml.safe_load(text) for name, text in FILES.items()}
PROD = STACKS["compose.prod.yml"]
ONCE = {"migrate"}
STUDIO = {
    "migrate", "web", "socket", "worker-pictures", "worker-chores", "beat", "bot",
}  # fmt: skip

# As the Compose Specification spells them: whatever it does not know, Compose refuses.
SERVICE_WORDS = {
    "build", "cap_drop", "command", "depends_on", "deploy", "env_file", "environment",
    "healthcheck", "image", "init", "logging", "networks", "ports", "profiles",
    "read_only", "restart", "security_opt", "shm_size", "stop_grace_period", "stop_signal",
    "tmpfs", "user", "volumes",
}  # fmt: skip
HEALTH_WORDS = {
    "disable", "interval", "retries", "start_interval", "start_period", "test", "timeout",
}  # fmt: skip

services = pytest.mark.parametrize(
    ("stack", "name"),
    [(stack, name) for stack, found in STACKS.items() for name in found["services"]],
)


def role_names(file: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (DOCKER / file).read_text(), re.M))


@services
def test_each_word_is_one_of_the_compose_specification(stack: str, name: str) -> None:
    assert set(STACKS[stack]["services"][name]) <= SERVICE_WORDS
    assert set(STACKS[stack]["services"][name]["healthcheck"]) <= HEALTH_WORDS


@pytest.mark.parametrize("name", FILES)
def test_compose_itself_accepts_it(name: str, tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if (
        not docker
        or subprocess.run(
            [docker, "compose", "version"], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("docker has no compose here: install docker-compose-plugin")
    values = "".join(f"{key}=x\n" for key in set(re.findall(r"\$\{(\w+):\?", FILES[name])))
    (tmp_path / "env").write_text(values)
    (tmp_path / "docker").mkdir()
    (tmp_path / ".env").touch()
    (tmp_path / "docker" / name).write_text(FILES[name])
    files = ["--env-file", tmp_path / "env", "-f", tmp_path / "docker" / name]
    subprocess.run([docker, "compose", *files, "config", "-q"], check=True)


@services
def test_each_container_is_watched_bounded_and_confined(stack: str, name: str) -> None:
    service = STACKS[stack]["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    if name in ONCE:
        assert (service["healthcheck"], service["restart"]) == ({"disable": True}, "on-failure:3")
    else:
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
        assert service["restart"] == "unless-stopped"


@services
def test_the_door_alone_is_open(stack: str, name: str) -> None:
    service = STACKS[stack]["services"][name]
    assert ("ports" in service) == (name == "nginx")
    assert service.get("network_mode") is None
    if name in ("postgres", "redis"):
        assert service["networks"] == ["stores"]
        assert STACKS[stack]["networks"]["stores"] == {"internal": True}


def test_whoever_watches_the_stores_can_reach_them() -> None:
    watchers = yaml.safe_load((DOCKER / "compose.monitoring.yml").read_text())["services"]
    reach = {
        name
        for name, service in watchers.items()
        if re.search(r"postgres:5432|redis:6379", str(service.get("environment")))
    }
    assert reach == {"postgres-exporter", "redis-exporter"}
    assert all("stores" in watchers[name]["networks"] for name in reach)


@services
def test_each_waits_until_what_it_needs_works(stack: str, name: str) -> None:
    needed = STACKS[stack]["services"][name].get("depends_on", {})
    for other, how in needed.items():
        expected = "service_completed_successfully" if other in ONCE else "service_healthy"
        assert how["condition"] == expected
    if name in STUDIO - ONCE:
        assert set(needed) == ONCE
    assert {"nginx": {"web", "socket"}, "migrate": {"postgres", "redis"}}.get(
        name, set(needed)
    ) == set(needed)


@pytest.mark.parametrize("stack", STACKS)
def test_each_role_is_one_that_the_image_knows_and_can_ask_after(stack: str) -> None:
    known = role_names("role", r"^    (\w+)\)$")
    asked = role_names("healthy", r'"(\w+)": \w+')
    for name in STUDIO:
        service = STACKS[stack]["services"][name]
        role, _space, rest = service["command"].partition(" ")
        assert role in known
        if name not in ONCE:
            assert role in asked
            assert service["healthcheck"]["test"] == [
                "CMD",
                "healthy",
                f"{role}:{rest}" if rest else role,
            ]


@pytest.mark.parametrize("stack", STACKS)
def test_every_queue_has_a_worker(stack: str) -> None:
    commands = [service.get("command", "") for service in STACKS[stack]["services"].values()]
    served = [
        queue
        for command in commands
        if command.startswith("worker ")
        for queue in command[7:].split(",")
    ]
    assert sorted(served) == sorted(queue.name for queue in settings.CELERY_TASK_QUEUES)


def test_trying_it_out_is_the_same_studio() -> None:
    tried = STACKS["compose.yml"]["services"]
    assert set(tried) == set(PROD["services"])
    for name, service in PROD["services"].items():
        for what in ("command", "healthcheck", "deploy", "depends_on", "networks"):
            assert service.get(what) == tried[name].get(what)


def test_production_has_no_secret_of_its_own_and_refuses_to_start_without_yours() -> None:
    demanded = set(re.findall(r"\$\{(\w+):\?", FILES["compose.prod.yml"]))
    assert demanded == {"SECRET_KEY", "SITE_URL", "POSTGRES_PASSWORD", "TELEGRAM_BOT_TOKEN"}
    for service in PROD["services"].values():
        for name, value in (service.get("environment") or {}).items():
            if re.search("KEY|TOKEN|PASSWORD|DATABASE_URL", name):
                assert re.search(r"\$\{\w+:\?", value)
    assert PROD["services"]["web"]["environment"]["DEBUG"] == "false"


@pytest.mark.parametrize("stack", STACKS)
def test_what_is_mounted_is_there(stack: str) -> None:
    for service in STACKS[stack]["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (DOCKER / source).is_dir()
            elif not source.startswith("${"):
                assert source in STACKS[stack]["volumes"]


def test_pictures_pass_from_the_studio_to_the_door() -> None:
    web, nginx = PROD["services"]["web"], PROD["services"]["nginx"]
    assert web["environment"]["DATA_DIR"] == "/data"
    assert "media:/data/media" in web["volumes"]
    assert "media:/media:ro" in nginx["volumes"]
    assert str(Path(settings.MEDIA_ROOT).name) == "media"
    assert (
        f"location {web['environment']['MEDIA_ACCEL']} {{"
        in (DOCKER / "nginx" / "site.conf").read_text()
    )


def test_a_door_of_tls_asks_for_what_the_start_script_reads() -> None:
    read: Any = set(re.findall(r"\$\{(\w+)[:}]", (DOCKER / "nginx" / "start").read_text()))
    assert set(PROD["services"]["nginx"]["environment"]) <= read | {"SITE_URL"}
