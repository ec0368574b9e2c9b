"""Where Telegram calls, when it is asked to: an update is a row and answered with 200.

The address and the header are secrets made from SECRET_KEY and the token, so both change with them.
"""

from __future__ import annotations

import hmac
import json
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from telegram import Bot, InlineQuery

from telegram_integration.answering import store
from telegram_integration.handlers.inline import offer

BODY_BYTES = 1024 * 1024
HEADER = "X-Telegram-Bot-Api-Secret-Token"
CONNECTIONS = 40


def secret(what: str) -> str:
    """The ``path`` of our address, or the ``header``."""
    value = salted_hmac(f"telegram.{what}", settings.TELEGRAM_BOT_TOKEN, algorithm="sha256")
    return value.hexdigest()[:48]


def address() -> str:
    return settings.SITE_URL + reverse("telegram_webhook", args=[secret("path")])


async def register(bot: Bot) -> None:
    from telegram_integration.process import LISTENED_TO

    await bot.set_webhook(
        address(),
        secret_token=secret("header"), allowed_updates=LISTENED_TO, max_connections=CONNECTIONS,
    )  # fmt: skip


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, path: str) -> HttpResponse:
    """Kept, and answered by the bot's own process. What is only typed is answered here, at once."""
    if settings.TELEGRAM_MODE != "webhook" or not hmac.compare_digest(path, secret("path")):
        raise Http404
    given = request.headers.get(HEADER, "")
    if not hmac.compare_digest(given.encode(), secret("header").encode()):
        return HttpResponse(status=403)
    update = _update(request.read(BODY_BYTES + 1))
    if update is None:
        return HttpResponse(status=400)
    if "inline_query" in update:
        return _offered(update["inline_query"])
    store([update])
    return HttpResponse()


def _offered(asked: dict[str, Any]) -> HttpResponse:
    """What Telegram is to do, as the body of our own answer. Why it is no row: see `offering`."""
    query = InlineQuery.de_json(asked, None)
    said = offer(query)
    button = said["button"]
    results = [result.to_dict() for result in said["results"]]
    return JsonResponse(
        {"method": "answerInlineQuery", "inline_query_id": query.id, **said, "results": results,
         "button": button.to_dict() if button else None}
    )  # fmt: skip


def _update(raw: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(raw) if len(raw) <= BODY_BYTES else None
    except (ValueError, RecursionError):
        return None
    known = isinstance(body, dict) and isinstance(body.get("update_id"), int)
    return body if known else None
