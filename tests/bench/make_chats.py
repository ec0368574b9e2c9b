"""``python -m tests.bench.make_chats <first> <number>``: people who have written to the bot."""

from __future__ import annotations

import sys

import django


def main(first: int, number: int) -> None:
    from django.utils import timezone

    from billing.models import Account
    from telegram_integration.models import User

    now = timezone.now()
    people = User.objects.bulk_create(
        User(username=f"tg{who}", first_name=f"Person {who}", telegram_id=who, chat_since=now,
             wrote_at=now)
        for who in range(first, first + number)
    )  # fmt: skip
    Account.objects.bulk_create(Account(user=user) for user in people)


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]), int(sys.argv[2]))
