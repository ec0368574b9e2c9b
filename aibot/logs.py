"""How a line in the log looks: JSON for machines or a plain line for people, without secrets.

It is imported by the settings, so it reads none.
"""

from __future__ import annotations

from typing import Any

import structlog
from structlog.contextvars import get_contextvars
from structlog.stdlib import ProcessorFormatter
from structlog.types import EventDict, Processor

from aibot.redacting import redacted

FORMATS = ("json", "line")
# They tell addresses, and a bot's token is a part of its address.
TELL_ADDRESSES = ("httpx", "httpcore", "httpx2", "httpcore2", "urllib3")
BELLS = ("celery.app.trace", "celery.worker.strategy", "celery.beat")
ANOTHERS = frozenset({"message", "asctime"})
"""What another handler's formatter may have left on the record."""
OWN = frozenset({"timestamp", "level", "logger"})
"""Written last by ourselves: there is nothing to look for in them."""
REQUESTS = "studio.requests"


def configuration(form: str, level: str) -> dict[str, Any]:
    """For LOGGING. Lines about single requests come whatever the level, where they are JSON."""
    loggers = {name: {"level": "WARNING"} for name in TELL_ADDRESSES}
    # The bot's library logs whole pages that came in place of an answer, with the address in them.
    loggers["telegram.request"] = {"level": "CRITICAL"}
    loggers[REQUESTS] = {"level": "INFO" if form == "json" else level}
    # A bell every few seconds is no news, whatever the level.
    loggers |= {name: {"level": "WARNING"} for name in BELLS}
    # Our own line says more, and a refusal is no warning.
    loggers |= {name: {"level": "ERROR"} for name in ("django.request", "django.channels.server")}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {form: {"()": f"aibot.logs.{form}"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": loggers,
    }


def gunicorn() -> dict[str, Any]:
    """For gunicorn's `logconfig_dict`: its own lines as Django's settings want all others."""
    from django.conf import settings

    own = {"level": "INFO", "handlers": ["console"], "propagate": False}
    # Its access line has the caller's address and the whole query; ours has neither.
    loggers = {"gunicorn.error": own, "gunicorn.access": own | {"level": "WARNING"}}
    return settings.LOGGING | {"loggers": settings.LOGGING["loggers"] | loggers}


def json() -> ProcessorFormatter:
    return _formatter(structlog.processors.JSONRenderer(ensure_ascii=False))


def line() -> ProcessorFormatter:
    plain = structlog.dev.plain_traceback
    return _formatter(structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain))


def _formatter(renderer: Processor) -> ProcessorFormatter:
    return ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.ExtraAdder(),
            _say_what_it_is_about,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redact,
            renderer,
        ],
    )


def _say_what_it_is_about(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """What is bound wins over what a library brings: Django's `request` is the whole object."""
    return {**event, **get_contextvars()}


def _redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """After exceptions are words, so that theirs are seen too. Nothing is said of what is empty."""
    kept = {name: value if name in OWN else redacted(value) for name, value in event.items()}
    return {name: value for name, value in kept.items() if name not in ANOTHERS and value != ""}
