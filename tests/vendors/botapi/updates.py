"""The updates that wait for the bot, and its long poll: one at a time."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.vendors.botapi.params import Params, Refusal, need
from tests.vendors.botapi.webhook import Webhook, examine
from tests.vendors.botapi.world import World

Update = dict[str, Any]
KINDS = {
    "message", "edited_message", "channel_post", "edited_channel_post", "inline_query",
    "chosen_inline_result", "callback_query", "shipping_query", "pre_checkout_query", "poll",
    "purchased_paid_media", "poll_answer", "my_chat_member", "chat_join_request", "subscription",
    "chat_boost", "removed_chat_boost", "business_connection", "business_message",
    "edited_business_message", "deleted_business_messages", "stopped_message_generation",
    "managed_bot", "guest_message",
}  # fmt: skip
"""What is sent unless a bot says otherwise: all but three kinds that must be asked for."""
ACTIVE = (
    "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook "
    "first"
)
OTHER = "terminated by other getUpdates request; make sure that only one bot instance is running"


class Updates:
    """``retry_seconds`` is the pause after a webhook failed; it doubles up to five seconds.

    ``on_reply`` gets the call of a method that a webhook put into its answer.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.retry_seconds = 0.2
        self.on_reply: Callable[[dict[str, Any]], None] = lambda reply: None
        self.waiting: deque[Update] = deque()
        self.all: dict[int, Update] = {}
        self.allowed = set(KINDS)
        self.webhook: Webhook | None = None
        self._again: deque[Update] = deque()
        self._next = 100_000_001
        self._poll = 0

    def add(self, kind: str, body: dict[str, Any]) -> int | None:
        """The id of the update, if the bot wants such ones."""
        if kind not in self.allowed:
            return None
        return self.inject({kind: json.loads(json.dumps(body))})

    def inject(self, update: Update) -> int:
        """An update as it is; without ``update_id`` it gets the next one."""
        with self.world.changing:
            number = update.get("update_id", self._next)
            self._next = max(self._next, number) + 1
            self.all[number] = {"update_id": number, **update}
            self.waiting.append(self.all[number])
            self.world.changing.notify_all()
            return number

    def redeliver(self, update_id: int) -> None:
        """Once more, although the bot may have confirmed it."""
        with self.world.changing:
            queue = self.waiting if self.webhook else self._again
            queue.append(dict(self.all[update_id]))
            self.world.changing.notify_all()

    def get(self, params: Params) -> list[Update]:
        self._poll += 1
        mine = self._poll
        self.world.changing.notify_all()
        if self.webhook:
            raise Refusal(ACTIVE, 409)
        self.choose(params)
        self._confirm(params.number("offset"))
        seconds = min(max(params.number("timeout"), 0), 50)
        self.world.changing.wait_for(lambda: self._due(mine), seconds)
        if self._poll != mine:
            raise Refusal(OTHER, 409)
        if self.webhook:
            raise Refusal("terminated by setWebhook request", 409)
        return self._batch(min(max(params.number("limit", 100), 1), 100))

    def taken(self, update: Update) -> None:
        """By the webhook. Only this copy leaves the queue: a second one may stand behind it."""
        places = (n for n, waiting in enumerate(self.waiting) if waiting is update)
        if (place := next(places, None)) is not None:
            del self.waiting[place]

    def choose(self, params: Params) -> None:
        """``allowed_updates``: what is not said stays as it was, an empty list means the usual."""
        if "allowed_updates" in params:
            self.allowed = set(params.data("allowed_updates") or KINDS)

    def set_webhook(self, params: Params) -> bool:
        url, secret = params.text("url"), params.text("secret_token")
        need(len(secret) <= 256, "secret token is too long")
        need(
            re.fullmatch(r"[\w-]*", secret, re.ASCII), "secret token contains unallowed characters"
        )
        examine(url)
        self.delete_webhook(params)
        self.choose(params)
        if url:
            self.webhook = Webhook(self, url, secret, params.number("max_connections", 40))
            self.webhook.start()
        self.world.changing.notify_all()
        return True

    def delete_webhook(self, params: Params) -> bool:
        if self.webhook:
            self.webhook.stopped.set()
            self.webhook = None
        if params.flag("drop_pending_updates"):
            self.waiting.clear()
        self.world.changing.notify_all()
        return True

    def webhook_info(self) -> dict[str, Any]:
        pending = {"has_custom_certificate": False, "pending_update_count": len(self.waiting)}
        about = self.webhook.info if self.webhook else {"url": ""}
        return {**about, **pending, "allowed_updates": sorted(self.allowed)}

    def _due(self, mine: int) -> bool:
        over = self.world.closing.is_set() or self._poll != mine or self.webhook
        return bool(over or self.waiting or self._again)

    def _confirm(self, offset: int) -> None:
        """Updates before the offset were received; a negative one keeps that many of the last."""
        if offset < 0:
            self.waiting = deque(list(self.waiting)[offset:])
        while offset > 0 and self.waiting and self.waiting[0]["update_id"] < offset:
            self.waiting.popleft()

    def _batch(self, limit: int) -> list[Update]:
        again = [self._again.popleft() for _ in range(min(limit, len(self._again)))]
        return again + list(self.waiting)[: limit - len(again)]
