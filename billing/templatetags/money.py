"""Money as templates say it."""

from __future__ import annotations

from decimal import Decimal

from django import template

from billing import words
from billing.models import Audit, Currency, Payment

register = template.Library()

register.filter("why_unpaid", words.why_unpaid)
register.filter("receipt", words.receipt_of)
register.filter("name_of", words.name_of)
register.filter("enough_for", words.enough_for)
register.filter("balance_words", words.balance_words)
register.filter("balance_short", words.balance_short)
register.filter("left", words.left)
register.filter("notice_words", words.notice)


@register.filter
def rubles(amount: Decimal) -> str:
    return words.money(amount, Currency.RUB)


@register.filter
def stars(amount: int) -> str:
    return words.money(Decimal(amount), Currency.XTR)


@register.filter
def paid(payment: Payment) -> str:
    """What was or is to be paid, with its currency."""
    return words.money(payment.amount, payment.currency)


@register.filter
def with_currency(amount: Decimal, currency: str) -> str:
    return words.money(amount, currency)


@register.simple_tag
def newest_audits() -> list[Audit]:
    """The last look of each sort, for the first page of the admin."""
    newest = (Audit.objects.filter(sort=sort).first() for sort in Audit.Sort.values)
    return [audit for audit in newest if audit]
