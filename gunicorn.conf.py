"""gunicorn reads this by itself where it starts: the door for pages and the API, and how it ends.

At SIGTERM gunicorn would close the door at once. Here /readyz answers 503 for DRAIN_SECONDS first,
with everything else answered as ever; then no connection is taken any more, and what was begun is
finished. Its lines in the log look like all others.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aibot.settings")
# Where the workers count their requests, so that any of them can answer /metrics for all.
counts = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="studio-counts-")

from aibot import logs

# A line for each request comes from `aibot/requests.py`, which knows the route and who asked.
logconfig_dict = logs.gunicorn()
# Read once, then shared by all: the start costs one import, and a worker little memory.
preload_app = True
worker_class = "gthread"
threads = 8
graceful_timeout = 20
# A socket to steer it by, at one path for all: two releases beside each other would share it.
control_socket_disable = True


def when_ready(server: Any) -> None:
    """Before any worker is forked, so that all of them share what `draining` remembers."""
    from aibot import draining

    def drain() -> None:
        from django.conf import settings

        draining.begin()
        time.sleep(settings.DRAIN_SECONDS)
        raise StopIteration  # as gunicorn's own handler of SIGTERM does

    server.handle_term = drain


def child_exit(_server: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    shutil.rmtree(counts, ignore_errors=True)
