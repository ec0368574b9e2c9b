"""Money: whether something can be sold, and the gateways know us."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from django.conf import settings

from aibot.doctor.base import Advice, Finding, in_production
from billing import gateways
from billing.gateways.base import GatewayError
from billing.gateways.door import Door
from billing.models import Product, Subscription

TEST_KEY = "test_"


def gateways_() -> Iterator[Finding]:
    if in_production() and not gateways.available():
        yield Finding(
            "No gateway is set up.",
            "Nobody can buy anything.",
            "Set YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY, or a bot's token for Stars.",
        )
    if in_production() and Subscription.objects.running().filter(gateway="sandbox").exists():
        yield Finding(
            "There are plans that were paid for in the sandbox.",
            "They were had for nothing, and cannot be renewed here.",
            "End them in the admin.",
        )
    if in_production() and not settings.SUPPORT_CONTACT:
        yield Advice(
            "SUPPORT_CONTACT is empty.",
            "Telegram wants a person who answers about payments: /paysupport names nobody.",
            "Set it to an address, or to @somebody.",
        )


def yookassa() -> Iterator[Finding]:
    shop, key = settings.YOOKASSA_SHOP_ID, settings.YOOKASSA_SECRET_KEY
    yield from _networks()
    if bool(shop) != bool(key):
        missing = "YOOKASSA_SECRET_KEY" if shop else "YOOKASSA_SHOP_ID"
        yield Finding(
            f"{missing} is empty, the other half is set.",
            "YooKassa is off without both.",
            f"Set {missing}, or empty both.",
        )
    if not (shop and key):
        return
    if in_production() and key.startswith(TEST_KEY):
        yield Finding(
            "YOOKASSA_SECRET_KEY is of a test shop.",
            "People get credits for payments that nobody makes.",
            "Use the key of the real shop.",
        )
    yield from _is_known(shop, key)


def _is_known(shop: str, key: str) -> Iterator[Finding]:
    try:
        door = Door(settings.YOOKASSA_URL, auth=(shop, key))
        status, _answer = door.call("GET", "payments", params={"limit": 1})
    except GatewayError as error:
        yield Finding(
            f"YooKassa cannot be asked: {error.code}.",
            "Payments cannot begin, and those that were made are not noticed.",
            "See that this machine reaches YOOKASSA_URL.",
        )
        return
    if status != 200:
        yield Finding(
            f"YooKassa refuses our shop and key ({status}).",
            "Nobody can pay.",
            "Compare YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY with the shop's settings there.",
        )


def _networks() -> Iterator[Finding]:
    for network in settings.YOOKASSA_NETWORKS:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            yield Finding(
                f"{network} in YOOKASSA_NETWORKS is no network.",
                "Every call of YooKassa ends in an error.",
                "Write it like 185.71.76.0/27, or leave it empty for YooKassa's own.",
            )


def stars() -> Iterator[Finding]:
    if "stars" not in gateways.available():
        return
    priceless = Product.objects.on_sale().filter(stars=None).values_list("code", flat=True)
    if priceless:
        yield Finding(
            f"No price in Stars: {', '.join(sorted(priceless))}.",
            "Inside Telegram digital goods are sold in Stars only, so these are not.",
            "Set it in the admin, under products.",
        )
