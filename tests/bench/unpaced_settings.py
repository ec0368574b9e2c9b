"""For a Telegram that takes all at once: what is measured is the bot, not Telegram's pace."""

from tests.bench.settings import *  # noqa: F403
from tests.bench.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS[:-1], "tests.bench.apps.Unpaced"]
