"""The studio's own settings with three vendors that are stubs, and no limit to one's jobs."""

from aibot.settings import *  # noqa: F403
from aibot.settings import STORAGES
from tests.vendors import kie, openai, openrouter

PROVIDER_KEYS = {"openai": openai.KEY, "openrouter": openrouter.KEY, "kie": kie.KEY}
JOBS_WAITING = JOBS_RUNNING = dict.fromkeys(("free", "plan"), 10_000)
# Nobody looks at pages here, so nothing is collected.
PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": PLAIN}}
