"""Every command, in both languages, and what can be sent: `runbot` as a process of its own."""

from __future__ import annotations

import pytest

from tests.e2e.bots import Bot
from tests.e2e.walking import PHOTOS
from tests.pictures import picture_file
from tests.vendors.botapi import BotApi, Phone, Seen

# What somebody who has done nothing yet reads, and a button under it.
COMMANDS = [
    ("/start", "Hello, Ann.", "Здравствуйте, Ann.", None),
    ("/help", "/paysupport – questions about", "/paysupport – вопросы об оплате", None),
    ("/tryon", "Send a photo of yourself", "Пришлите своё фото", None),
    ("/edit", "Send the photo that you want to change", "Пришлите фото, которое хотите", None),
    ("/imagine a fox", "Pictures from words · 1 credit.", "Картинки по словам · 1 кредит.", "♡"),
    ("/balance", "You have 5 credits, 10 free", "У вас 5 кредитов, 10 бесплатных", None),
    ("/buy", "Choose what to buy.", "Выберите, что купить.", "100 "),
    ("/invite", "Your link: https://t.me/studio_test_bot?start=ref_",
     "Ваша ссылка: https://t.me/studio_test_bot?start=ref_", None),
    ("/history", "Nothing yet.", "Пока ничего нет.", None),
    ("/cancel", "There is nothing to cancel.", "Отменять нечего.", None),
    ("/settings", "In which language", "На каком языке", "Русский"),
    ("/paysupport", "Write to us: @help", "Напишите нам: @help", None),
    ("/terms", "A picture that fails is never charged.", "ничего не списывается.", None),
    ("/privacy", "Your photos are yours", "Ваши фото", None),
    ("/deleteme", "This cannot be undone.", "Вернуть их будет нельзя.", None),
]  # fmt: skip
FIRST, ANN = 610_000, 611_000


@pytest.fixture(scope="module")
def ann(bot: Bot) -> Phone:
    return bot.phone(ANN)


@pytest.fixture(scope="module")
def fox(ann: Phone) -> Seen:
    """A picture of hers."""
    ann.say("/imagine a fox")
    return ann.picture()


@pytest.fixture(scope="module")
def asked(bot: Bot) -> list[tuple[Phone, Phone]]:
    """Somebody for each command in each language; all have asked at the same time."""
    pairs = []
    for number, (command, *_answers) in enumerate(COMMANDS):
        pair = [bot.stranger(FIRST + 2 * number + n, language=code)
                for n, code in enumerate(("en", "ru"))]  # fmt: skip
        for phone in pair:
            phone.say(command)
        pairs.append(tuple(pair))
    return pairs


@pytest.mark.parametrize("number", range(len(COMMANDS)), ids=[row[0] for row in COMMANDS])
def test_every_command_is_answered_in_both_languages(
    asked: list[tuple[Phone, Phone]], number: int
) -> None:
    _command, english, russian, label = COMMANDS[number]
    for phone, words in zip(asked[number], (english, russian), strict=True):
        said = phone.read(words)
        assert label is None or any(one.startswith(label) for one in said.labels), said.labels


def test_the_language_is_changed_by_a_button(bot: Bot) -> None:
    phone = bot.phone(611_001)
    asked = phone.read("In which language", phone.say("/settings"))
    assert phone.press(asked, "Русский") == "Теперь говорим по-русски."
    phone.read("Теперь говорим по-русски.", asked)
    phone.read("У вас 5 кредитов", phone.say("/balance"))
    assert bot.books.ask("person(611001).language") == "ru"


def test_a_photo_sent_as_a_file_is_a_photo(bot: Bot, telegram: BotApi) -> None:
    phone = bot.phone(611_002)
    sent = telegram.send_document(phone.user, picture_file("teal"), name="me.jpg")
    asked = phone.read("What shall I do with it?", sent)
    phone.press(asked, "Change it by words")
    phone.read("Say what to change · 1 credit", asked)
    phone.say("brighter")
    assert phone.picture().photo == bot.books.picture("job__owner=person(611002)")
    assert bot.books.credits(phone.user) == 4


def test_a_caption_is_the_prompt_and_can_come_with_a_file(bot: Bot, telegram: BotApi) -> None:
    phone = bot.phone(611_003)
    phone.send(picture_file("plum"), caption="warmer")
    first = phone.picture()
    assert first.caption == "Edit of a photo · 1 credit. You have 4 credits."
    telegram.send_document(phone.user, picture_file("navy"), "colder", name="me.jpg")
    assert phone.picture(2).photo == bot.books.picture("job__prompt='colder'")
    assert first.photo == bot.books.picture("job__prompt='warmer'")
    assert bot.books.credits(phone.user) == 3


def test_two_photos_of_an_album_are_tried_on_and_the_result_is_changed(
    bot: Bot, telegram: BotApi
) -> None:
    phone = bot.phone(611_004)
    for name in ("astronaut.png", "shirt.png"):
        sent = phone.send((PHOTOS / name).read_bytes(), album="a1")
    asked = phone.read("2 photos. What shall I do with them?", sent)
    phone.press(asked, "Try the second on the first")
    phone.press(phone.read("What is it?", asked), "Clothes · 2 credits")
    worn = phone.picture()
    assert worn.photo == bot.books.picture("job__owner=person(611004)")
    phone.read("Say what to change in your last picture", phone.say("/edit"))
    phone.say("brighter")
    assert phone.picture(2).photo == bot.books.picture("job__owner=person(611004)")
    based = "Input.objects.get(job__tool='edit', job__owner=person(611004)).photo.job.tool"
    assert (bot.books.ask(based), bot.books.credits(phone.user)) == ("tryon", 2)


def test_the_history_shows_a_picture_once_more(ann: Phone, fox: Seen, bot: Bot) -> None:
    last = ann.read("Your last pictures:", ann.say("/history"))
    ann.press(last, "Pictures from words")
    assert ann.picture(2).photo == fox.photo
    assert bot.books.credits(ann.user) == 4


def test_a_picture_of_the_pages_comes_to_the_chat_and_by_its_link_once_more(bot: Bot) -> None:
    phone = bot.phone(611_012)
    code = bot.books.ask("studio.imagine(person(611012).pk, prompt='a lake').code.hex")
    made = phone.picture()
    bot.api.start(phone.user, f"job_{code}")
    assert phone.picture(2).photo == made.photo == bot.books.picture(f"job__code='{code}'")
    bot.api.start(bot.phone(611_013, "Bob").user, f"job_{code}")
    Phone(bot.api, 611_013).read("There is no such picture here.")
    assert bot.books.credits(phone.user) == 4


def test_what_goes_on_is_stopped_and_given_back(bot: Bot) -> None:
    """The worker has one place, and another's four pictures are in it."""
    before, phone = bot.phone(611_006, "Bob"), bot.phone(611_007)
    bot.books.ask(f"studio.imagine(person({before.user}).pk, prompt='a sea', count=4).tool")
    phone.say("/imagine a fox")
    phone.see(lambda one: "Cancel" in one.labels)
    phone.say("/cancel")
    phone.see(lambda one: one.words == "Cancelled. Nothing was charged." and not one.labels)
    states = bot.books.ask("[job.state for job in Job.objects.filter(owner=person(611007))]")
    assert (states, bot.books.credits(phone.user)) == (["cancelled"], 5)
    before.picture(4)


def test_a_strangers_press_is_refused(fox: Seen, bot: Bot) -> None:
    bob = bot.phone(611_009, "Bob", "ru")
    assert bob.press(fox, "Again") == "Эти кнопки не ваши."
    assert bob.press(fox, "Delete") == "Эти кнопки не ваши."
    jobs = f"Job.objects.filter(owner__telegram_id__in=[{ANN}, 611009]).count()"
    assert (bot.books.ask(jobs), bot.books.credits(bob.user)) == (1, 5)


def test_an_update_that_comes_twice_does_nothing_twice(
    ann: Phone, fox: Seen, bot: Bot, telegram: BotApi
) -> None:
    asked = next(one for one in telegram.messages(ANN) if one.text == "/imagine a fox")
    shown = ann.see_all(is_picture)
    telegram.redeliver(updates_of(telegram, asked)[0])
    ann.read("You have 4 credits", ann.say("/balance"))
    assert ann.see_all(is_picture) == shown
    assert bot.books.ask(f"Job.objects.filter(owner=person({ANN})).count()") == 1


def is_picture(one: Seen) -> bool:
    return one.photo is not None


def updates_of(telegram: BotApi, message: Seen) -> list[int]:
    return [
        number for number, update in telegram.updates.all.items()
        if update.get("message", {}).get("message_id") == message.id
        and update["message"]["chat"]["id"] == message.chat_id
    ]  # fmt: skip


def test_everything_is_erased_and_the_next_word_begins_anew(bot: Bot) -> None:
    phone = bot.phone(611_011)
    phone.send(picture_file("teal"), caption="warmer")
    phone.picture()
    number = bot.books.ask("person(611011).pk")
    sure = phone.read("This cannot be undone.", phone.say("/deleteme"))
    assert phone.press(sure, "Erase everything") == "Everything is erased."
    mine = f"owner={number}"
    assert bot.books.ask(f"Photo.objects.filter({mine}, deleted_at=None).count()") == 0
    assert bot.books.ask(f"[job.prompt for job in Job.objects.filter({mine})]") == [""]
    moved = f"sum(one.delta for one in Entry.objects.filter(lot__account__user={number}))"
    assert bot.books.ask(moved) == 4
    phone.read("Hello, Ann.", phone.say("/start"))
    assert bot.books.ask("person(611011).pk") != number
