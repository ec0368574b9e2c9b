"""Imports run one way: telegram_integration → generation → billing, and nobody imports aibot."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = {"billing": 0, "generation": 1, "telegram_integration": 2, "aibot": 3}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def upward(app: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / app).rglob("*.py"))
        for name in imported(path)
        if FLOORS.get(name.split(".")[0], -1) > FLOORS[app]
    ]


@pytest.mark.parametrize("app", FLOORS)
def test_no_app_imports_upward(app: str) -> None:
    assert upward(app) == []


def test_the_walk_sees_an_import_that_points_up(tmp_path: Path, monkeypatch: object) -> None:
    module = tmp_path / "x.py"
    module.write_text("def f():\n    from generation.models import Job\n")
    assert list(imported(module)) == ["generation.models"]


def test_rooms_that_hide_their_matter_do_not_exist() -> None:
    banned = ("utils", "helpers", "services", "mixins", "constants", "common", "core")
    found = [p for app in FLOORS for n in banned for p in (ROOT / app).rglob(f"{n}*")]
    assert [p for p in found if p.suffix in ("", ".py")] == []
