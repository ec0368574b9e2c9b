"""Russian is complete, compiled, and keeps every blank of the English sentence."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "locale" / "ru" / "LC_MESSAGES"
BLANKS = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


@pytest.fixture(scope="module")
def russian() -> polib.POFile:
    return polib.pofile(str(FOLDER / "django.po"))


def test_nothing_is_left_untranslated(russian: polib.POFile) -> None:
    assert len(russian) > 250
    assert [entry.msgid for entry in russian if not entry.translated() or entry.fuzzy] == []


def test_every_blank_is_kept(russian: polib.POFile) -> None:
    for entry in russian:
        for said in [entry.msgstr] if entry.msgstr else entry.msgstr_plural.values():
            assert set(BLANKS.findall(said)) == set(BLANKS.findall(entry.msgid)), entry.msgid


def test_what_is_compiled_is_what_is_written(russian: polib.POFile) -> None:
    compiled = polib.mofile(str(FOLDER / "django.mo"))
    written = {(e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural) for e in russian}
    assert {(e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural) for e in compiled} == written


@pytest.mark.skipif(not shutil.which("xgettext"), reason="needs gettext: apt-get install gettext")
def test_every_text_in_the_code_is_in_the_catalogue(tmp_path: Path, russian: polib.POFile) -> None:
    copy = tmp_path / "project"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "var", "tests", "staticfiles"))
    command = ["manage.py", "makemessages", "-l", "ru", "--no-location", "--no-wrap"]
    environment = {**os.environ, "DATA_DIR": str(tmp_path / "data"), "ENV_FILE": "/dev/null"}
    subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, check=True, capture_output=True
    )
    found = polib.pofile(str(copy / "locale" / "ru" / "LC_MESSAGES" / "django.po"))
    texts = {(entry.msgctxt, entry.msgid) for entry in found if not entry.obsolete}
    assert texts == {(entry.msgctxt, entry.msgid) for entry in russian}
