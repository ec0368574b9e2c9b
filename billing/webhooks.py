"""Where a gateway may say that something happened. It is kept and answered; nothing is asked here.

Two guards: only the gateway's own networks are heard, and nothing that the body claims is believed.
"""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing import notifications

BODY_BYTES = 64 * 1024
ID_CHARACTERS = 200

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@csrf_exempt
@require_POST
def yookassa(request: HttpRequest) -> HttpResponse:
    """200 as soon as it is a row, whatever YooKassa's API does at this moment."""
    source = sender(request)
    if source is None or not _is_in(source, settings.YOOKASSA_NETWORKS):
        return HttpResponse(status=403)
    raw = request.read(BODY_BYTES + 1)
    if len(raw) > BODY_BYTES:
        return HttpResponse(status=413)
    told = _told(raw)
    if told is None:
        return HttpResponse(status=400)
    event, object_id = told
    if event in notifications.EVENTS:
        notifications.hear("yookassa", event, object_id, str(source))
    return HttpResponse()


def sender(request: HttpRequest) -> Address | None:
    """Who really calls, as far as our own proxies vouch for it. None: nobody vouches.

    Each of our proxies adds an address on the right of X-Forwarded-For; whatever stands further
    left was written by the caller.
    """
    proxies = settings.REST_FRAMEWORK["NUM_PROXIES"]
    if not proxies:
        return _address(request.META.get("REMOTE_ADDR", ""))
    passed = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    return _address(passed[-proxies]) if len(passed) >= proxies else None


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(address: Address, networks: list[str]) -> bool:
    return any(address in ipaddress.ip_network(network, strict=False) for network in networks)


def _told(raw: bytes) -> tuple[str, str] | None:
    """The event and the object's id. None: this is no notification."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    event, thing = _of(body, "event"), _of(body, "object")
    object_id = _of(thing, "id")
    if not isinstance(event, str) or not isinstance(object_id, str):
        return None
    if not 0 < len(object_id) <= ID_CHARACTERS or "\0" in object_id:
        return None
    return event, object_id


def _of(body: Any, name: str) -> Any:
    return body.get(name) if isinstance(body, dict) else None
