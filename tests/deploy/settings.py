"""The studio's own settings as in production, with a provider that obeys a script."""

from aibot.settings import *  # noqa: F403
from aibot.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.apps.Scripted"]
PROVIDER = "scripted"
JOBS_WAITING = dict.fromkeys(("free", "plan"), 2000)
JOBS_RUNNING = dict.fromkeys(("free", "plan"), 2)
