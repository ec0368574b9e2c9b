"""Stars, their way back, and thanks for a friend: `runbot` as a process of its own."""

from __future__ import annotations

import pytest

from tests.e2e.bots import STARS, Bot
from tests.vendors.botapi import BotApi, Declined, Phone, error

TOO_LATE = error(400, "query is too old and response timeout expired or query ID is invalid")


def poor(bot: Bot, user: int) -> Phone:
    """Somebody who has spent everything."""
    phone = bot.phone(user)
    bot.books.ask(f"ledger.withdraw(person({user}).account, 5, key='{user}', reason='withdrawal')")
    lots = f"Lot.objects.filter(account__user=person({user}).pk, kind='free')"
    bot.books.ask(f"ledger.charge({spent(user)}, key='spent:{user}', reason='imagine', count=10)")
    assert bot.books.ask(f"[lot.remaining for lot in {lots}]") == [0]
    return phone


def spent(user: int) -> str:
    return f"person({user}).pk, Price(tool='imagine', credits=1, actions=1)"


def refund(bot: Bot, user: int) -> str:
    """As the admin's button does it. What became of it."""
    payment = f"Payment.objects.get(account__user=person({user}).pk)"
    return bot.books.ask(f"payments.refund({payment}, None, 'asked for').status")


def test_what_could_not_be_paid_goes_on_after_a_purchase_with_stars(
    bot: Bot, telegram: BotApi
) -> None:
    phone = poor(bot, 620_001)
    offered = phone.read("You do not have enough credits", phone.say("/imagine a fox"))
    phone.press(offered, "Top up")
    shop = phone.read("Choose what to buy", offered)
    phone.press(shop, f"100 credits · {STARS} ⭐")
    invoice = phone.see(lambda one: "invoice" in one.raw, shop)
    telegram.pay(phone.user, invoice)
    phone.read("Thank you. 100 credits are here.", invoice)
    made = phone.picture()
    assert made.photo == bot.books.picture("job__owner=person(620001)")
    assert made.caption == "Pictures from words · 1 credit. You have 99 credits."
    assert bot.books.credits(phone.user) == 99


def test_stars_go_back_by_staff_and_the_credits_with_them(bot: Bot, telegram: BotApi) -> None:
    phone = bot.phone(620_002)
    telegram.pay(phone.user, bot.pack(phone))
    phone.read("Thank you. 100 credits are here. You have 105 credits")
    assert refund(bot, phone.user) == "succeeded"
    phone.read(f"{STARS} ⭐ for “100 credits” went back to you. You have 5 credits")
    assert [charge.person for charge in telegram.refunds] == [phone.user]
    assert bot.books.credits(phone.user) == 5
    assert bot.books.ask("Refund.objects.filter(payment__account__user__telegram_id=620002)"
                         ".count()") == 1  # fmt: skip


def test_an_invoice_is_for_whom_it_was_made_and_is_paid_once(bot: Bot, telegram: BotApi) -> None:
    phone, other = bot.phone(620_003), bot.phone(620_004, "Bob", "ru")
    invoice = bot.pack(phone)
    with pytest.raises(Declined):
        telegram.pay(other.user, invoice)
    telegram.pay(phone.user, invoice)
    phone.read("Thank you.")
    with pytest.raises(Declined):
        telegram.pay(phone.user, invoice)
    assert (bot.books.credits(phone.user), bot.books.credits(other.user)) == (105, 5)


def test_who_was_let_wait_too_long_can_pay_once_more(bot: Bot, telegram: BotApi) -> None:
    phone = bot.phone(620_005)
    invoice = bot.pack(phone)
    telegram.script("answerPreCheckoutQuery", TOO_LATE)
    telegram.world.patience["checkout"] = 1
    with pytest.raises(TimeoutError):
        telegram.pay(phone.user, invoice)
    telegram.world.patience["checkout"] = 10
    telegram.pay(phone.user, invoice)
    phone.read("Thank you.")
    assert bot.books.ask("Incoming.objects.filter(done_at=None).count()") == 0
    assert bot.books.credits(phone.user) == 105


def test_a_friends_first_picture_thanks_whoever_invited_them(bot: Bot) -> None:
    ann = bot.phone(620_006)
    link = ann.read("Your link:", ann.say("/invite")).text.split()[2]
    bob = bot.stranger(620_007, "Bob", "ru")
    bot.api.start(bob.user, link.partition("?start=")[2])
    bob.read("Здравствуйте, Bob.")
    bob.say("/imagine a fox")
    bob.picture()
    ann.read("A friend of yours made their first picture: 10 credits for you.")
    assert (bot.books.credits(ann.user), bot.books.credits(bob.user)) == (15, 4)


def test_a_link_leads_to_the_invoice_of_a_product(bot: Bot, telegram: BotApi) -> None:
    phone = bot.stranger(620_008)
    telegram.start(phone.user, "pay_pack-100")
    telegram.pay(phone.user, phone.see(lambda one: "invoice" in one.raw))
    phone.read("Thank you. 100 credits are here. You have 105 credits")
