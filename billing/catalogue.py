"""What is sold and what tools cost, as the studio starts out. Staff edit the rows afterwards."""

from __future__ import annotations

from decimal import Decimal

from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from billing.models import Price, Product
from billing.problem import Problem

LISTED_SECONDS = 10
# Credits, and plan or free actions. No action pays a turn of the assistant: a plan has it for free.
PRICES = {"tryon": (2, 1), "edit": (1, 1), "imagine": (1, 1), "assistant": (1, 0)}
PRODUCTS = [
    ("basic", Product.Sort.PLAN, "Basic", "299", 50, 30),
    ("pro", Product.Sort.PLAN, "Pro", "499", 150, 30),
    ("premium", Product.Sort.PLAN, "Premium", "899", 500, 30),
    ("pack-100", Product.Sort.PACK, "100", "199", 100, 0),
    ("pack-300", Product.Sort.PACK, "300", "499", 300, 0),
    ("pack-1000", Product.Sort.PACK, "1000", "1499", 1000, 0),
]


def seed() -> None:
    """Add what is missing; never change what staff may have edited."""
    Price.objects.bulk_create(
        [Price(tool=tool, credits=c, actions=a) for tool, (c, a) in PRICES.items()],
        ignore_conflicts=True,
    )
    Product.objects.bulk_create(
        [
            Product(code=code, sort=sort, name=name, rubles=Decimal(rubles), units=units, days=days)
            for code, sort, name, rubles, units, days in PRODUCTS
        ],
        ignore_conflicts=True,
    )


def listed_price(tool: str) -> Price:
    """The price as pages show it: at most LISTED_SECONDS old. A charge reads the row itself."""
    return cache.get_or_set(f"price:{tool}", lambda: price_of(tool), LISTED_SECONDS)


def price_of(tool: str) -> Price:
    """The price row of a tool. A tool that staff removed from sale is a problem, not a crash."""
    try:
        return Price.objects.get(tool=tool)
    except Price.DoesNotExist:
        raise Problem("not_for_sale", _("This tool is switched off."), status=503) from None
