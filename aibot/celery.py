"""The Celery application. Its tasks are doorbells: what must happen is always a row."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aibot.settings")

app = Celery("aibot")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_own(**_kwargs: object) -> None:
    """With a listener here, Celery leaves the log as the settings want it: `LOG_LEVEL` decides."""
