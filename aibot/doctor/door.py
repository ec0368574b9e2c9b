"""Whether SITE_URL really leads here."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator

import httpx2
from django.conf import settings

from aibot.doctor.base import Advice, Finding, in_production
from billing.outside import USER_AGENT, trusted

SECONDS = 10


def answers() -> Iterator[Finding]:
    """Asked as a stranger would. Inside a container the way out and back in may be closed."""
    if not in_production():
        return
    try:
        with httpx2.Client(timeout=SECONDS, verify=trusted()) as client:
            answer = client.get(f"{settings.SITE_URL}/livez", headers={"User-Agent": USER_AGENT})
    except httpx2.HTTPError as error:
        yield from _unanswered(error)
        return
    if not _is_ours(answer):
        yield Finding(
            f"Somebody else answers at SITE_URL ({answer.status_code}).",
            "People, Telegram and YooKassa reach whatever that is.",
            "See which server has this name, and that it hands everything on to the studio.",
        )


def _unanswered(error: httpx2.HTTPError) -> Iterator[Finding]:
    if _is_about_the_certificate(error):
        yield Finding(
            "The certificate of SITE_URL is not to be trusted: it is old, of another name, or"
            " incomplete.",
            "Browsers and Telegram refuse to open it.",
            "Renew it, and give nginx the full chain.",
        )
    else:
        yield Advice(
            f"SITE_URL does not answer from here: {type(error).__name__}.",
            "Either nobody reaches it, or only this machine does not.",
            "Open it from elsewhere; then see DNS, firewall and nginx.",
        )


def _is_about_the_certificate(error: BaseException | None) -> bool:
    """As the library says it, somewhere down the chain of causes."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE" in str(error).upper():
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_ours(answer: httpx2.Response) -> bool:
    try:
        said = json.loads(answer.content)
    except ValueError:
        return False
    return answer.status_code == 200 and isinstance(said, dict) and said.get("status") == "alive"
