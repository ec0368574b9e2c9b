"""The image without an engine: the Dockerfile's own steps, in a root of their own.

The root is a folder with this machine's system below it, `/app` as `COPY` and `.dockerignore` say
and `/venv` as `make` has installed it from the same file. Whoever enters it sees nothing else, may
write to `/tmp` and `/data` alone and is user 10001, as in a container. It needs root, for mounts.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
SYSTEM = ("usr", "bin", "sbin", "lib", "lib64")
USER = "10001:10001"


def missing() -> str:
    """Why this machine cannot do it; empty where it can."""
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "mounting needs root (in a container: --privileged)"


@dataclass
class Stage:
    """A `FROM` and what follows it."""

    copies: list[list[str]] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)


def read(dockerfile: Path = DOCKERFILE) -> list[Stage]:
    stages: list[Stage] = []
    for name, rest in instructions(dockerfile.read_text()):
        if name == "FROM":
            stages.append(Stage())
        elif name == "RUN":
            stages[-1].runs.append(re.sub(r"--mount=\S+\s*", "", rest))
        elif name == "COPY":
            stages[-1].copies.append(rest.split())
        elif name == "ENV":
            stages[-1].environment |= dict(re.findall(r"(\w+)=(\S*)", rest))
        else:
            stages[-1].settings[name] = rest
    return stages


def instructions(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ")
    return [(line.split()[0], line.split(None, 1)[1]) for line in whole.splitlines()]


def is_left_out(path: str) -> bool:
    """As `.dockerignore` says. Only the patterns that ours has: names from the top, and `**/`."""
    for pattern in (ROOT / ".dockerignore").read_text().splitlines():
        if not pattern or pattern.startswith("#"):
            continue
        parts = path.split("/")
        heads = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        if pattern.startswith("**/"):
            heads = parts
        if any(fnmatch.fnmatchcase(head, pattern.removeprefix("**/")) for head in heads):
            return True
    return False


def build(root: Path) -> list[str]:
    """Both stages into one root. Returns the steps that were run, in the Dockerfile's order."""
    lay_out(root)
    first, last = read()
    copy_context(root / "app")
    # The environment and PostgreSQL's programs are there, and a registry is not asked in a test.
    installs = ("pip install", "apt-get install")
    steps = [step for step in first.runs + last.runs if not any(i in step for i in installs)]
    for step in steps:
        done = subprocess.run(
            enter(root, step, writable=("app", "etc", "data", "static")),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"
    return steps


def lay_out(root: Path) -> None:
    for name in ("app", "data", "static", "proc", "dev", "tmp", "root"):
        (root / name).mkdir(parents=True)
    for name in SYSTEM:
        real = Path("/") / name
        if real.is_symlink():
            (root / name).symlink_to(real.readlink())
        elif real.is_dir():
            (root / name).mkdir()
    shutil.copytree("/etc", root / "etc", symlinks=True, ignore_dangling_symlinks=True)
    (root / "venv").symlink_to(sys.prefix)


def copy_context(app: Path) -> None:
    """`COPY . .`: whatever lies here, less what `.dockerignore` leaves out."""

    def left_out(folder: str, names: list[str]) -> set[str]:
        here = os.path.relpath(folder, ROOT)
        return {name for name in names if is_left_out(os.path.normpath(f"{here}/{name}"))}

    shutil.copytree(ROOT, app, ignore=left_out, dirs_exist_ok=True)


def enter(
    root: Path, command: str, *, writable: tuple[str, ...] = ("data",), user: str = "",
    tmp: Path | None = None,
) -> list[str]:  # fmt: skip
    """What runs the command inside: everything read-only but /tmp and what is named."""
    mounts = ["set -e", f"mount --bind {root} {root}"]
    source = f"--bind {tmp}" if tmp else "-t tmpfs none"
    mounts.append(f"mount {source} {root}/tmp")
    for name in SYSTEM:
        if (root / name).is_dir() and not (root / name).is_symlink():
            mounts.append(
                f"mount --bind /{name} {root}/{name}; mount -o remount,bind,ro {root}/{name}"
            )
    for path in sorted({sys.prefix, sys.base_prefix}):
        if not path.startswith("/usr"):
            mounts.append(f"mkdir -p {root}{path}; mount --bind {path} {root}{path}")
            mounts.append(f"mount -o remount,bind,ro {root}{path}")
    mounts += [f"mount --rbind /proc {root}/proc", f"mount --rbind /dev {root}/dev"]
    mounts += [f"mount --bind {root}/{name} {root}/{name}" for name in writable]
    mounts.append(f"mount -o remount,bind,ro {root}")
    who = f"--userspec={user} " if user else ""
    inside = f"cd /app && {command}".replace("'", "'\\''")
    mounts.append(f"exec chroot {who}{root} /bin/sh -c '{inside}'")
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(mounts)]


def environment(**more: str) -> dict[str, str]:
    """What the image sets, and what compose adds to it."""
    found = read()[-1].environment
    path = found["PATH"].replace("$PATH", os.environ["PATH"])
    return found | {"PATH": path, "COMMIT": "abc1234"} | more
