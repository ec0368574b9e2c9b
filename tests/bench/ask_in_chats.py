"""``python -m tests.bench.ask_in_chats <a second>``: people ask for pictures in their chats.

As the bot does it for them, at random moments; half of them on the pages, so that their chat has
no message yet. Until it is ended.
"""

from __future__ import annotations

import random
import sys
import time

import django


def main(rate: float) -> None:
    from telegram_integration.models import User

    dice = random.Random(1)
    people = list(User.objects.filter(telegram_id__isnull=False).order_by("pk"))
    number = 0
    while True:
        time.sleep(dice.expovariate(rate))
        number += 1
        ask(dice.choice(people), number)


def ask(user: object, number: int) -> None:
    from django.db import transaction

    from generation import studio
    from telegram_integration import saying, status
    from telegram_integration.models import ChatJob

    with transaction.atomic():
        job = studio.imagine(user.pk, prompt=f"wish {number}", key=f"bench:{number}")
        if number % 2:
            return
        shown = status.text(job)
        message = saying.say(user.telegram_id, shown, key=f"job:{job.code}:status", job=job,
                             keyboard=status.keyboard(job))  # fmt: skip
        ChatJob.objects.create(job=job, chat_id=user.telegram_id, message=message, shown=shown,
                               edit_at=status.first_look())  # fmt: skip


if __name__ == "__main__":
    django.setup()
    main(float(sys.argv[1]))
