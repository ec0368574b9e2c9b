"""The bot among many: quiet unless it is meant, charged to whoever asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.bots import Bot
from tests.vendors.botapi import BotApi, Phone

ANN, OTHERS, STRANGERS = 630_001, -1006303, -1006304


def group(bot: Bot, number: int, first: int) -> tuple[Phone, Phone]:
    """Two people in a group where the bot is told everything that is said."""
    ann, bob = bot.stranger(first), bot.stranger(first + 1, "Bob", "ru")
    bot.api.group(number, "Friends", [ann.user, bob.user], bot="administrator")
    return Phone(bot.api, ann.user, number), Phone(bot.api, bob.user, number)


def answered(bot: Bot) -> bool:
    return bot.api.wait_for(
        lambda: not bot.books.ask("Incoming.objects.filter(done_at=None).count()"), 30
    )


def test_a_group_hears_only_what_it_asked_for_and_who_asked_pays(bot: Bot) -> None:
    ann, bob = group(bot, -1006300, 630_100)
    ann.say("hello everybody")
    ann.say("/start")
    ann.say("/imagine@another_bot a fox")
    asked = ann.say("/imagine a fox")
    fox = ann.picture()
    assert fox.reply_to == asked.id
    assert fox.photo == bot.books.picture("job__owner=person(630100)")
    bob.say("what a fox")
    bob.say("/imagine@studio_test_bot лодка")
    assert bob.picture(2).photo == bot.books.picture("job__owner=person(630101)")
    answered(bot)
    assert len(ann.of_bot()) == 2
    assert (bot.books.credits(ann.user), bot.books.credits(bob.user)) == (4, 4)


def test_an_answer_to_a_picture_changes_it_for_whoever_made_it(bot: Bot) -> None:
    ann, _bob = group(bot, -1006302, 630_200)
    ann.say("/imagine a forest")
    said = ann.say("warmer and brighter", reply_to=ann.picture())
    brighter = ann.picture(2)
    assert brighter.reply_to == said.id
    assert brighter.photo == bot.books.picture("job__prompt='warmer and brighter'")
    assert (
        bot.books.ask("Job.objects.get(prompt='warmer and brighter').owner.telegram_id") == ann.user
    )
    assert bot.books.credits(ann.user) == 3


@pytest.fixture
def only_others(bot: Bot) -> Iterator[None]:
    bot.end()
    bot.start(TELEGRAM_GROUPS=str(OTHERS))
    yield
    bot.end()
    bot.start()


@pytest.mark.usefixtures("only_others")
def test_only_groups_on_the_list_are_served(bot: Bot, telegram: BotApi) -> None:
    telegram.group(OTHERS, "Others", [ANN])
    telegram.group(STRANGERS, "Strangers", [ANN])
    listed, unlisted = (Phone(telegram, ANN, group) for group in (OTHERS, STRANGERS))
    unlisted.say("/imagine a fox")
    listed.say("/imagine a fox")
    listed.picture()
    answered(bot)
    assert unlisted.of_bot() == []
