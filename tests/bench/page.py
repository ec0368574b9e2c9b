"""Bytes of the first page as it travels: HTML, its CSS and its JavaScript, each gzipped.

The page that a guest sees first, without photos. Run: ``python -m tests.bench.page``.
"""

from __future__ import annotations

import os
import sys
import tempfile

from tests.bench.report import Figure

MOST_BYTES = 24 * 1024
MOST_SCRIPT_BYTES = 10 * 1024


def main() -> list[Figure]:
    """In a process of its own, for it needs a database of its own."""
    import json
    import subprocess

    done = subprocess.run([sys.executable, "-m", "tests.bench.page", "weigh"], check=True,
                          capture_output=True, text=True)  # fmt: skip
    figures = [figure(name, total) for name, total in json.loads(done.stdout).items()]
    for one in figures:
        one.tell()
    return figures


def figure(name: str, total: dict[str, int]) -> Figure:
    whole = sum(total.values())
    return Figure(
        f"first page ({name})", f"{whole} bytes gzip, {total['js']} of them JavaScript",
        f"{MOST_BYTES} bytes allowed ({MOST_SCRIPT_BYTES} of JavaScript)", whole / MOST_BYTES,
        "<= 1", max(whole / MOST_BYTES, total["js"] / MOST_SCRIPT_BYTES), str(total),
    )  # fmt: skip


def weigh() -> None:
    import json

    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"ENV_FILE": "/dev/null", "DATA_DIR": folder, "DEBUG": "true",
                       "DATABASE_URL": f"sqlite:///{folder}/studio.db"}  # fmt: skip
        os.environ.pop("REDIS_URL", None)
        os.environ["DJANGO_SETTINGS_MODULE"] = "aibot.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        call_command("seed")
        print(json.dumps(weights_of_pages()))


def weights_of_pages() -> dict[str, dict[str, int]]:
    from django.test import Client
    from django.urls import reverse

    from tests.test_page_weight import weights

    client = Client(headers={"host": "127.0.0.1"})
    sign_in = weights(client.get(reverse("sign_in")).content)
    home = weights(client.post(reverse("demo"), follow=True).content)
    return {"sign in": sign_in, "home of a guest": home}


if __name__ == "__main__":
    weigh() if sys.argv[1:] == ["weigh"] else main()
