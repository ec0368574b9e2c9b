"""Where a vendor may say that an order is done. It is a hint: the truth is then asked for.

What a body says about a job's state is not even read. Without any call the job is checked by the
clock, so a call that is lost, late, doubled or forged changes nothing but the moment.
"""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from generation import queue, routing
from generation.addresses import Refused, is_public, permitted
from generation.models import Job, State
from generation.providers import PROVIDERS

BODY_BYTES = 256 * 1024
PRIVATE = ("localhost", "local", "localdomain", "internal", "lan", "arpa")


def address(job: Job) -> str:
    """Where the job's provider may call. Empty where nobody outside could reach us."""
    if not _is_reachable(settings.SITE_URL):
        return ""
    return settings.SITE_URL + reverse("hook", args=[job.provider, job.code, token_of(job.code)])


def token_of(code: uuid.UUID) -> str:
    """What only the vendor that got the order knows besides us."""
    return salted_hmac("generation.hooks", code.hex, algorithm="sha256").hexdigest()


@csrf_exempt
@require_POST
def hook(request: HttpRequest, provider: str, code: uuid.UUID, token: str) -> HttpResponse:
    """A vendor calls. 200 also where there is nothing to do, or it would call again."""
    if not constant_time_compare(token, token_of(code)):
        raise Http404
    adapter, job = _adapter(provider), _waiting(provider, code)
    raw = request.read(BODY_BYTES + 1)
    if len(raw) > BODY_BYTES:
        return HttpResponse(status=413)
    secret = settings.PROVIDER_WEBHOOK_KEYS.get(provider, "")
    ref = job.provider_ref if job else ""
    try:
        is_ours = adapter.callback(ref, json.loads(raw), request.headers, secret=secret)
    except (ValueError, RecursionError):
        return HttpResponse(status=400)
    except PermissionError:
        return HttpResponse(status=403)
    if job and is_ours:
        _wake(job)
    return HttpResponse()


def _adapter(provider: str) -> Any:
    if provider not in PROVIDERS:
        raise Http404
    adapter = routing.made(routing.setting_of(provider))
    if not hasattr(adapter, "callback"):
        raise Http404
    return adapter


def _waiting(provider: str, code: uuid.UUID) -> Job | None:
    return Job.objects.filter(code=code, provider=provider, state=State.WAITING).first()


def _wake(job: Job) -> None:
    """It is due now, if it was due later."""
    now = timezone.now()
    due_later = Job.objects.filter(
        pk=job.pk, fence=job.fence, state=State.WAITING, next_check_at__gt=now, deadline_at__gt=now
    )
    if due_later.update(next_check_at=now):
        queue.ring()


def _is_reachable(site: str) -> bool:
    """Whether a vendor could call this address: https, and no name or number of a private net."""
    host = urlsplit(site).hostname or ""
    try:
        target = permitted(site, [host])
        return is_public(host) if target.is_literal else _is_public_name(host)
    except Refused:
        return False


def _is_public_name(host: str) -> bool:
    return "." in host and host.rpartition(".")[2] not in PRIVATE
