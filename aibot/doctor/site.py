"""Settings that do not fit together, or would be dangerous where strangers come."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.conf import settings
from django.core import checks

from aibot.doctor.base import ON_THIS_MACHINE, Advice, Finding, in_production

SHORTEST_KEY, LEAST_LETTERS = 40, 10
SHORTEST_TOKEN = 16
OURS = "security.W009"
"""What Django says of a weak SECRET_KEY; `settings_` says it with what to do."""


def settings_() -> Iterator[Finding]:
    key = settings.SECRET_KEY
    if len(key) < SHORTEST_KEY or len(set(key)) < LEAST_LETTERS or "insecure" in key:
        yield Finding(
            "SECRET_KEY can be guessed.",
            "Whoever knows it can sign in as anybody and forge links to private pictures.",
            "Set it to what this prints: python -c 'import secrets; print(secrets.token_hex(32))'",
        )
    if settings.DEBUG and not _is_here(settings.SITE_URL):
        yield Finding(
            f"DEBUG is on at {settings.SITE_URL}.",
            "Strangers see the code of what breaks, sign in as guests and pay with play money.",
            "Set DEBUG=false.",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Finding(
            "ALLOWED_HOSTS lets in every name.",
            "A forged Host header would end up in links that people are sent.",
            "Name your domains, or leave it empty: that of SITE_URL is always let in.",
        )


def address() -> Iterator[Finding]:
    site, hosts = urlsplit(settings.SITE_URL), set(settings.ALLOWED_HOSTS) - set(ON_THIS_MACHINE)
    if site.path or site.query or not site.hostname:
        yield Finding(
            f"SITE_URL is {settings.SITE_URL}, which is not scheme and name alone.",
            "Every link that people get begins with it.",
            "Write it like https://studio.example.com",
        )
    if in_production() and _is_here(settings.SITE_URL) and hosts:
        yield Finding(
            f"SITE_URL is {settings.SITE_URL}, but ALLOWED_HOSTS names {', '.join(sorted(hosts))}.",
            "Links in the chat, payments and sign-in would lead to people's own machines.",
            "Set SITE_URL to the address that people use.",
        )
    if in_production() and not settings.HTTPS and not _is_here(settings.SITE_URL):
        yield Finding(
            "SITE_URL is not https.",
            "Telegram opens no Mini App over http, and sessions travel in the open.",
            "Get a certificate (see docker/nginx) and set SITE_URL=https://…",
        )
    if settings.TELEGRAM_MODE == "webhook" and not settings.HTTPS:
        yield Finding(
            "TELEGRAM_MODE is webhook, but SITE_URL is not https.",
            "Telegram calls https addresses only, so the bot would hear nothing.",
            "Set SITE_URL=https://…, or TELEGRAM_MODE=polling.",
        )
    if settings.HTTPS and in_production() and not settings.REST_FRAMEWORK["NUM_PROXIES"]:
        yield Finding(
            "TRUSTED_PROXIES is 0, yet something in front of us speaks https.",
            "Everybody seems to come from one address: they share one limit, and YooKassa's calls"
            " are refused.",
            "Set TRUSTED_PROXIES=1, or how many proxies of your own stand before the studio.",
        )


def environment() -> Iterator[Finding]:
    """The file with the settings: who may read it, and what in it nobody reads."""
    path = Path(os.environ.get("ENV_FILE", settings.BASE_DIR / ".env"))
    if not path.is_file():
        return
    if path.stat().st_mode & 0o007:
        yield Finding(
            f"{path.name} can be read by every user of this machine.",
            "It holds the keys to your money, your bot and your people.",
            f"chmod 600 {path.name}",
        )
    known = set(re.findall(r"^#(\w+)=", (settings.BASE_DIR / ".env.example").read_text(), re.M))
    for name in sorted(_names(path) - known):
        yield Finding(
            f"{name} in {path.name} is no setting.",
            "Nobody reads it; perhaps another name was meant.",
            "Compare it with .env.example.",
        )


def django() -> Iterator[Finding]:
    """Django's own checks; those for production too where it is one."""
    for found in checks.run_checks(include_deployment_checks=in_production()):
        is_told = found.id == OURS or found.is_silenced()
        if found.level >= checks.WARNING and not is_told:
            yield Finding(
                f"{found.id}: {found.msg}", "Django finds fault with it.", str(found.hint or "–")
            )


def eyes() -> Iterator[Finding]:
    token, sentry = settings.METRICS_TOKEN, settings.SENTRY_DSN
    if token and len(token) < SHORTEST_TOKEN:
        yield Finding(
            "METRICS_TOKEN is short.",
            "Whoever guesses it reads what you earn.",
            "Set at least 16 random characters.",
        )
    if sentry and not _is_dsn(sentry):
        yield Finding(
            "SENTRY_DSN is no address of a Sentry project.",
            "No error is reported.",
            "Copy it from the project's settings, under Client Keys: https://<key>@<host>/<number>",
        )
    if not in_production():
        return
    if not token:
        yield Advice(
            "METRICS_TOKEN is empty.",
            "Prometheus gets no numbers, so nothing is drawn and no rule can warn.",
            "Set it in .env: docker/compose.monitoring.yml reads it there as well.",
        )
    if not settings.OWNER_CHAT_ID and settings.TELEGRAM_BOT_TOKEN:
        yield Advice(
            "OWNER_CHAT_ID is not set.",
            "Nobody is told when something stops or money does not agree.",
            "Set it to your own id in Telegram, which the admin shows on your person's page.",
        )


def _is_here(address: str) -> bool:
    return urlsplit(address).hostname in ON_THIS_MACHINE


def _is_dsn(text: str) -> bool:
    from sentry_sdk.utils import BadDsn, Dsn

    try:
        Dsn(text)
    except BadDsn:
        return False
    return True


def _names(path: Path) -> set[str]:
    given: dict[str, str] = {}
    own = type("Own", (environ.Env,), {"ENVIRON": given})
    own.read_env(str(path))
    return set(given)
