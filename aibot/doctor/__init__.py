"""Does this configuration work from end to end? `manage.py doctor` asks every check there is."""

from __future__ import annotations

from collections.abc import Iterator

from aibot.doctor import (
    backups,
    database,
    door,
    files,
    money,
    processes,
    providers,
    redis,
    site,
    telegram,
)
from aibot.doctor.base import Advice, Check, Finding
from aibot.redacting import redacted

CHECKS: dict[str, Check] = {
    "settings": site.settings_,
    "address": site.address,
    "door": door.answers,
    "environment": site.environment,
    "django": site.django,
    "eyes": site.eyes,
    "database": database.server,
    "rows": database.rows,
    "connections": database.connections_,
    "redis": redis.servers,
    "files": files.data,
    "static": files.static,
    "translations": files.translations,
    "machine": files.machine,
    "telegram": telegram.bot,
    "webhook": telegram.webhook,
    "clock": telegram.clock,
    "gateways": money.gateways_,
    "yookassa": money.yookassa,
    "stars": money.stars,
    "providers": providers.vendors,
    "processes": processes.alive,
    "backups": backups.taken,
}


def look(names: list[str] | None = None) -> Iterator[tuple[str, list[Finding]]]:
    """Each check by its name with what it found. One that breaks is itself a finding."""
    for name in names or CHECKS:
        yield name, _looked(name)


def _looked(name: str) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(CHECKS[name]())
    except Exception as error:
        said = f"{type(error).__name__}: {error}".partition("\n")[0]
        found.append(Finding(f"“{name}” could not be looked at: {said[:200]}",
                             "What cannot be asked cannot be relied on.",
                             "Mend what the other findings say, then look again."))  # fmt: skip
    return [_without_secrets(one) for one in found]


def _without_secrets(found: Finding) -> Finding:
    kind = Finding if found.is_grave else Advice
    return kind(redacted(found.what), redacted(found.why), redacted(found.fix))
