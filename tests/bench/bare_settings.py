"""The floor for submits: Django and one view, without middleware."""

from aibot.settings import *  # noqa: F403

MIDDLEWARE: list[str] = []
ROOT_URLCONF = "tests.bench.bare"
