"""The studio's own settings, with a scripted provider and room for many jobs at once."""

from aibot.settings import *  # noqa: F403
from aibot.settings import INSTALLED_APPS, STORAGES, env

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.apps.Scripted"]
PROVIDER = "scripted"
JOBS_WAITING = dict.fromkeys(("free", "plan"), env.int("ROOM", 2000))
JOBS_RUNNING = dict.fromkeys(("free", "plan"), env.int("RUNNING", 2))
# Nobody looks at pages here, so nothing is collected.
PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": PLAIN}}
