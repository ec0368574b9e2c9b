"""Errors for the owner's Sentry, where there is one: what broke and where, and nothing of people.

Of a request only method, address without query and number are told; of a person the pseudonym
that the log has. No bodies, cookies, headers, arguments of tasks or local variables.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from structlog.contextvars import get_contextvars

from aibot.redacting import redacted

Event = dict[str, Any]
NOT_TOLD = ("extra", "server_name", "user", "modules")


def begin(dsn: str, *, release: str, environment: str) -> None:
    """From here on whatever is logged as an error, or breaks a request or a task, is sent."""
    import sentry_sdk  # 0.1 s that only those pay who have a DSN
    from sentry_sdk.utils import BadDsn

    # An address that is none must not keep the studio from starting; `manage.py doctor` says so.
    with suppress(BadDsn):
        sentry_sdk.init(
            dsn=dsn,
            release=release,
            environment=environment,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=20,
            before_breadcrumb=_only_lines_of_the_log,
            before_send=scrubbed,
            auto_session_tracking=False,
            send_client_reports=False,
        )


def _only_lines_of_the_log(crumb: Event, _hint: Event) -> Event | None:
    """Others tell addresses and queries."""
    if crumb.get("type") != "log":
        return None
    return {name: crumb[name] for name in ("type", "category", "level", "message", "timestamp")}


def scrubbed(event: Event, _hint: Event) -> Event:
    """What is sent in its place."""
    kept = {name: value for name, value in event.items() if name not in NOT_TOLD}
    if request := kept.get("request"):
        address = urlsplit(request.get("url", ""))._replace(query="").geturl()
        kept["request"] = {"method": request.get("method"), "url": address}
    about = {name: said for name, value in get_contextvars().items() if (said := str(value))}
    if person := about.get("person"):
        kept["user"] = {"id": person}
    kept["tags"] = {**kept.get("tags", {}), **about}
    return redacted(kept)
