"""The studio's own settings with two vendors that are stubs, and room for all cells at once."""

from aibot.settings import *  # noqa: F403
from aibot.settings import INSTALLED_APPS, STORAGES
from tests.chaos.cells import ASYNC, SYNC
from tests.vendors import kie, openrouter

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.apps.Matrix"]
PROVIDER = ""
PROVIDER_KEYS = {ASYNC: kie.KEY, SYNC: openrouter.KEY}
JOBS_WAITING = JOBS_RUNNING = dict.fromkeys(("free", "plan"), 500)
# Nobody looks at pages here, so nothing is collected.
PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": PLAIN}}
# The address is one of https because a vendor is only called back there; here nothing ends TLS.
SECURE_SSL_REDIRECT = False
