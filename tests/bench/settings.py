"""The studio's own settings, with a provider of known speed and room for thousands of jobs."""

from aibot.settings import INSTALLED_APPS
from tests.chaos.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.bench.apps.Steady"]
PROVIDER = "steady"
JOBS_WAITING = dict.fromkeys(("free", "plan"), 1_000_000)
