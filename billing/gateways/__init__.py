"""Who takes money: one adapter, one file."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from billing.gateways.base import Gateway
from billing.gateways.sandbox import Sandbox
from billing.gateways.stars import Stars
from billing.gateways.yookassa import YooKassa
from billing.models import Product

GATEWAYS: dict[str, Callable[[], Gateway]] = {
    "yookassa": YooKassa,
    "stars": Stars,
    "sandbox": Sandbox,
}


def available() -> list[str]:
    """The names of those that are set up here."""
    ready = {
        "yookassa": settings.YOOKASSA_SHOP_ID and settings.YOOKASSA_SECRET_KEY,
        "stars": settings.TELEGRAM_BOT_TOKEN,
        "sandbox": settings.DEBUG,
    }
    return [name for name in GATEWAYS if ready[name]]


def selling(product: Product) -> list[str]:
    """The names of those that can sell it: Stars need a price in Stars."""
    return [name for name in available() if name != "stars" or product.stars]


def gateway(name: str) -> Gateway:
    return GATEWAYS[name]()
