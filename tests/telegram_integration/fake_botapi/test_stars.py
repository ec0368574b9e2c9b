"""Invoices, charges and refunds in the fake Bot API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from telegram import Bot, LabeledPrice, Update
from telegram.error import BadRequest

from tests.telegram_integration.fake_botapi.asking import (
    ANN,
    BOB,
    INVOICE,
    Clock,
    ask,
    keys,
    last,
    newest,
    updates,
)
from tests.vendors import botapi
from tests.vendors.botapi import BotApi, Seen


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"title": ""}, 'parameter "title" is required'),
        ({"title": "x" * 33}, "INVOICE_TITLE_INVALID"),
        ({"description": "x" * 256}, "INVOICE_DESCRIPTION_INVALID"),
        ({"payload": "я" * 65}, "INVOICE_PAYLOAD_INVALID"),
        ({"currency": "RUB"}, "CURRENCY_INVALID"),
        ({"provider_token": "x"}, "PAYMENT_PROVIDER_INVALID"),
        ({"prices": [{"label": "x", "amount": 1}] * 2}, "STARS_INVOICE_INVALID"),
        ({"prices": [{"label": "x", "amount": 0}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"prices": [{"label": "x", "amount": 1.5}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"subscription_period": 86400}, "SUBSCRIPTION_PERIOD_INVALID"),
        ({"subscription_period": 2592000, "prices": [{"label": "x", "amount": 10001}]},
         "SUBSCRIPTION_AMOUNT_INVALID"),
    ],
)  # fmt: skip
def test_a_wrong_invoice_is_refused(telegram: BotApi, changes: dict[str, Any], why: str) -> None:
    answer = ask(telegram, "createInvoiceLink", **{**INVOICE, **changes})
    assert answer["description"] == f"Bad Request: {why}"


def test_the_first_button_of_an_invoice_pays(telegram: BotApi) -> None:
    ask(telegram, "sendInvoice", chat_id=ANN, **INVOICE)
    assert last(telegram).labels == ["Pay ⭐️150"]
    board = keys({"callback_data": "x"}, {"pay": True})
    answer = ask(telegram, "sendInvoice", chat_id=ANN, **INVOICE, reply_markup=board)
    assert answer["description"] == "Bad Request: REPLY_MARKUP_BUY_EMPTY"
    linked = ask(telegram, "sendInvoice", chat_id=ANN, **INVOICE, start_parameter="a b")
    assert linked["description"] == "Bad Request: START_PARAM_INVALID"


@pytest.fixture
async def answering(telegram: BotApi, bot: Bot) -> Callable[..., Any]:
    """Buys while the bot listens: ``await buy(invoice, ok=True)``."""

    async def buy(invoice: Seen | str, **answer: Any) -> str:
        task = asyncio.create_task(asyncio.to_thread(telegram.pay, ANN, invoice))
        wanted = lambda: [q for q in telegram.world.queries.values() if not q.answer]  # noqa: E731
        query = (await asyncio.to_thread(telegram.wait_for, wanted))[0]
        await bot.answer_pre_checkout_query(query.id, **answer)
        return await task

    return buy


async def test_an_invoice_is_paid(telegram: BotApi, bot: Bot, answering: Any) -> None:
    prices = [LabeledPrice("Credits", 150)]
    await bot.send_invoice(ANN, "Credits", "A hundred", "order:1", "XTR", prices, provider_token="")
    charge = await answering(last(telegram), ok=True)
    asked, paid = (Update.de_json(one, bot) for one in updates(telegram)[-2:])
    assert (asked.pre_checkout_query.invoice_payload, asked.pre_checkout_query.total_amount) == (
        "order:1", 150
    )  # fmt: skip
    assert paid.message.successful_payment.telegram_payment_charge_id == charge


async def test_a_bot_may_decline(telegram: BotApi, answering: Any) -> None:
    url = ask(telegram, "createInvoiceLink", **INVOICE)["result"]
    with pytest.raises(botapi.Declined, match="Sold out"):
        await answering(url, ok=False, error_message="Sold out")
    assert telegram.books.charges == {}


def test_nobody_waits_longer_for_permission(telegram: BotApi) -> None:
    telegram.world.patience["checkout"] = 0.05
    url = ask(telegram, "createInvoiceLink", **INVOICE)["result"]
    with pytest.raises(TimeoutError):
        telegram.pay(ANN, url)
    asked = newest(telegram)["pre_checkout_query"]["id"]
    silent = ask(telegram, "answerPreCheckoutQuery", pre_checkout_query_id=asked, ok=False)
    assert silent["description"] == "Bad Request: ERROR_TEXT_EMPTY"


async def test_permission_after_10_seconds_is_too_late(telegram: BotApi, clock: Clock) -> None:
    query = telegram.world.ask("checkout", ANN)
    clock.now += 11
    late = ask(telegram, "answerPreCheckoutQuery", pre_checkout_query_id=query.id, ok=True)
    assert late["description"].startswith("Bad Request: query is too old")


async def test_stars_go_back_once(telegram: BotApi, bot: Bot, answering: Any) -> None:
    charge = await answering(ask(telegram, "createInvoiceLink", **INVOICE)["result"], ok=True)
    with pytest.raises(BadRequest, match=r"(?i)charge_not_found"):
        await bot.refund_star_payment(BOB, charge)
    await bot.refund_star_payment(ANN, charge)
    assert [one.id for one in telegram.refunds] == [charge]
    assert newest(telegram)["message"]["refunded_payment"]["invoice_payload"] == "order:1"
    with pytest.raises(BadRequest, match=r"(?i)charge_already_refunded"):
        await bot.refund_star_payment(ANN, charge)


async def test_the_transactions_show_both_ways(telegram: BotApi, bot: Bot, answering: Any) -> None:
    charge = await answering(ask(telegram, "createInvoiceLink", **INVOICE)["result"], ok=True)
    await bot.refund_star_payment(ANN, charge)
    rows = (await bot.get_star_transactions()).transactions
    assert [(row.id, row.amount, row.source is None) for row in rows] == [
        (charge, 150, False), (charge, 150, True)
    ]  # fmt: skip
    assert len((await bot.get_star_transactions(offset=1, limit=1)).transactions) == 1


async def test_a_subscription_is_renewed_until_stopped(
    telegram: BotApi, bot: Bot, answering: Any
) -> None:
    link = ask(telegram, "createInvoiceLink", **INVOICE, subscription_period=2592000)["result"]
    first = await answering(link, ok=True)
    assert newest(telegram)["message"]["successful_payment"]["is_first_recurring"]
    second = telegram.renew(first)
    renewed = newest(telegram)["message"]["successful_payment"]
    assert (renewed["is_recurring"], "is_first_recurring" in renewed) == (True, False)
    await bot.edit_user_star_subscription(ANN, second, True)
    with pytest.raises(ValueError, match="not renewed"):
        telegram.renew(second)


async def test_only_a_subscription_can_be_stopped(telegram: BotApi, answering: Any) -> None:
    charge = await answering(ask(telegram, "createInvoiceLink", **INVOICE)["result"], ok=True)
    about = {"user_id": ANN, "telegram_payment_charge_id": charge}
    telegram.books.charges[charge].invoice.period = 2592000
    unsaid = ask(telegram, "editUserStarSubscription", **about)
    assert unsaid["description"] == 'Bad Request: parameter "is_canceled" is required'
    telegram.books.charges[charge].invoice.period = 0
    answer = ask(telegram, "editUserStarSubscription", **about, is_canceled=True)
    assert answer["description"] == "Bad Request: CHARGE_NOT_FOUND"
