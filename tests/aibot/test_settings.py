"""Settings: documented, strict outside debug, told apart where they must be."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def settings_with(
    tmp_path: Path, names: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Settings as a fresh process with only this environment sees them."""
    code = "import json; from django.conf import settings as s; from django.test import Client; "
    code += f"print(json.dumps([{names}], default=str))"
    env = {"PATH": os.environ["PATH"], "ENV_FILE": "/dev/null", "DATA_DIR": str(tmp_path)}
    env |= {"DJANGO_SETTINGS_MODULE": "aibot.settings", **environment}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def test_every_name_that_is_read_is_documented_and_no_other() -> None:
    code = (ROOT / "aibot" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', code))
    for compose in (ROOT / "docker").glob("compose*.yml"):
        read |= set(re.findall(r"\$\{(\w+)", compose.read_text()))
    door = (ROOT / "docker" / "hosts" / "processes.sh").read_text()
    read |= set(re.search(r"for name in ([A-Z_ ]+);", door)[1].split())
    documented = set(re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(), re.M))
    assert read == documented


def test_outside_debug_a_secret_key_is_required(tmp_path: Path) -> None:
    refused = settings_with(tmp_path, "s.DEBUG", DEBUG="false")
    assert refused.returncode != 0
    assert "Set SECRET_KEY" in refused.stderr
    assert settings_with(tmp_path, "s.DEBUG", DEBUG="false", SECRET_KEY="x").stdout == "[false]\n"


def test_in_debug_a_key_is_made_once_and_for_us_alone(tmp_path: Path) -> None:
    first = settings_with(tmp_path, "s.SECRET_KEY").stdout
    assert first == settings_with(tmp_path, "s.SECRET_KEY").stdout
    assert len(json.loads(first)[0]) > 40
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_redis_can_be_one_or_told_apart(tmp_path: Path) -> None:
    names = "s.BROKER_URL, s.CHANNELS_URL, s.CACHE_URL"
    one = settings_with(tmp_path, names, REDIS_URL="redis://a/0")
    assert json.loads(one.stdout) == ["redis://a/0"] * 3
    apart = settings_with(
        tmp_path,
        names,
        REDIS_URL="redis://a/0",
        CHANNELS_URL="redis://b/1",
        CACHE_URL="redis://c/2",
    )
    assert json.loads(apart.stdout) == ["redis://a/0", "redis://b/1", "redis://c/2"]


@pytest.mark.parametrize(
    ("site", "samesite", "secure"),
    [("http://127.0.0.1:8000", "Lax", False), ("https://studio.example", "None", True)],
)
def test_cookies_follow_the_address(tmp_path: Path, site: str, samesite: str, secure: bool) -> None:
    names = "s.SESSION_COOKIE_SAMESITE, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SAMESITE"
    seen = settings_with(tmp_path, names, SITE_URL=site)
    assert json.loads(seen.stdout) == [samesite, secure, samesite]


def test_an_env_file_is_read_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("TELEGRAM_BOT_NAME=studio_bot\n")
    seen = settings_with(tmp_path, "s.TELEGRAM_BOT_NAME", ENV_FILE=str(tmp_path / "env"))
    assert json.loads(seen.stdout) == ["studio_bot"]


PRODUCTION = {
    "DEBUG": "false", "SECRET_KEY": "k3y-" * 16 + "ABCdef", "SITE_URL": "https://studio.example",
    "REDIS_URL": "redis://127.0.0.1:1/0", "TRUSTED_PROXIES": "1", "MEDIA_ACCEL": "/_media/",
}  # fmt: skip


def test_django_finds_nothing_to_warn_of_in_production(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "ENV_FILE": "/dev/null", "DATA_DIR": str(tmp_path)}
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level=WARNING"],
        cwd=ROOT, env=env | PRODUCTION, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


def test_in_production_http_is_sent_to_https_except_where_a_supervisor_asks(tmp_path: Path) -> None:
    ask = "[__import__('django').setup(), *(Client().get(path, HTTP_HOST='studio.example')" \
          ".headers.get('Location') for path in ('/sign-in/', '/livez'))][1:]"  # fmt: skip
    seen = settings_with(tmp_path, ask, **PRODUCTION)
    assert json.loads(seen.stdout)[0] == ["https://studio.example/sign-in/", None], seen.stderr
