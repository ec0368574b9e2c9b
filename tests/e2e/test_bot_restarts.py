"""The bot ends and begins again: nothing is lost, and its buttons live on."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

from tests.e2e.bots import SETTINGS, Books, Bot
from tests.e2e.conftest import Studio, running
from tests.pictures import picture_file
from tests.vendors.botapi import RESET, TROUBLE, BotApi, Phone


def test_what_is_said_while_the_bot_is_away_is_answered_and_old_buttons_work(bot: Bot) -> None:
    phone = bot.phone(640_001)
    asked = phone.read("What shall I do with it?", phone.send(picture_file("teal")))
    phone.say("/imagine a fox")
    fox = phone.picture()
    bot.end()
    phone.tap(asked, "Change it by words")
    phone.tap(fox, "Again")
    away = phone.say("/balance")
    bot.start()
    phone.read("Say what to change", fox)
    phone.read("You have", away)
    again = phone.picture(2)
    assert again.photo == bot.books.picture("job__owner=person(640001)")
    phone.say("colder")
    phone.picture(3)
    assert bot.books.credits(phone.user) == 2


def test_ending_politely_loses_nothing_of_what_goes_on(bot: Bot) -> None:
    """Everybody asks, and the bot is told to end before it has answered them all."""
    phones = [bot.stranger(640_100 + number) for number in range(12)]
    for phone in phones:
        phone.say("/balance")
    bot.end()
    bot.start()
    for phone in phones:
        said = phone.read("You have 5 credits")
        assert [one.text for one in phone.of_bot()] == [said.text]
    assert bot.books.ask("Incoming.objects.exclude(trouble='').count()") == 0


def test_a_network_that_comes_late_is_waited_for(bot: Bot, telegram: BotApi) -> None:
    bot.end()
    telegram.script("getMe", RESET)
    telegram.script("getMe", TROUBLE)
    bot.start()
    bot.phone(640_002)
    assert "Telegram cannot be reached yet" in bot.log.read_text()


def test_a_webhook_brings_the_same_conversation(tmp_path: Path) -> None:
    with BotApi(enforce_pace=True) as api:
        settings = SETTINGS | {"BOT_API_URL": api.url, "TELEGRAM_MODE": "webhook"}
        with running(tmp_path, **settings) as studio:
            books = Books(studio)
            api.person(640_003, first_name="Ann")
            phone = Phone(api, 640_003)
            api.start(phone.user)
            phone.read("Hello, Ann.")
            edited = phone.read("What shall I do with it?", phone.send(picture_file("teal")))
            phone.press(edited, "Change it by words")
            phone.read("Say what to change", edited)
            phone.say("colder")
            assert phone.picture().photo == books.picture("job__prompt='colder'")
            assert books.credits(phone.user) == 4
            refuse_forgers(studio, api)
            assert books.ask("Incoming.objects.filter(telegram_id=640004).count()") == 0
            books.close()
        assert (api.offences, api.updates.waiting) == ([], type(api.updates.waiting)())


def refuse_forgers(studio: Studio, api: BotApi) -> None:
    """Neither the address alone nor the header alone is enough."""
    url = api.updates.webhook.info["url"]
    assert url.startswith(f"{studio.address}/telegram/")
    assert posted(url, "") == posted(url, "wrong") == 403
    assert posted(f"{studio.address}/telegram/{'0' * 48}/", api.updates.webhook._secret) == 404


def posted(url: str, secret: str) -> int:
    who = {"id": 640_004, "is_bot": False, "first_name": "Eve"}
    message = {"message_id": 1, "date": 1, "chat": who | {"type": "private"}, "from": who,
               "text": "/start"}  # fmt: skip
    update = json.dumps({"update_id": 1, "message": message}).encode()
    headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": secret}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, update, headers), timeout=10) as ok:
            return ok.status
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code
