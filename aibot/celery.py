"""The Celery application. Its tasks are doorbells: what must happen is always a row."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aibot.settings")

app = Celery("aibot")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
