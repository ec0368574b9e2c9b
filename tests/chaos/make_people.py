"""``python -m tests.chaos.make_people <number> [name]``

People with credits and API keys, as JSON."""

from __future__ import annotations

import json
import sys

import django

CREDITS = 100_000


def main(number: int, name: str = "person") -> None:
    django.setup()
    print(json.dumps([make_one(f"{name}{n}") for n in range(number)]))


def make_one(name: str) -> dict[str, object]:
    from billing import ledger
    from billing.models import Kind
    from telegram_integration.models import ApiKey, User

    user = User.objects.create_user(name)
    account = ledger.open_account(user.pk)
    ledger.grant(account, Kind.CREDIT, CREDITS, key=f"chaos:{user.pk}", source="grant")
    return {"id": user.pk, "key": ApiKey.make(user, "chaos")[1]}


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
