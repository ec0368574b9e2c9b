"""Promo codes: credits at once, or some percent off a purchase.

Whoever uses a code holds the account's lock and then the promo's, so a limit of people is exact.
"""

from __future__ import annotations

from decimal import ROUND_UP, Decimal

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing import ledger
from billing.models import Account, Kind, Lot, Payment, Promo, PromoUse
from billing.problems import refused

CODE_LENGTH = 32


@transaction.atomic
def redeem(account: Account, code: str) -> Lot:
    """The credits of this code, once for each person. Raises Problem."""
    use = _use(account, code, Promo.Sort.CREDITS)
    use.lot = ledger.grant(
        account, Kind.CREDIT, use.promo.value, key=f"promo:{use.pk}", source="promo"
    )
    use.save(update_fields=["lot"])
    return use.lot


def reserve(account: Account, code: str) -> PromoUse:
    """A discount for a payment about to be written, in the transaction that writes it.

    The place under the limit is taken from here on. Raises Problem.
    """
    return _use(account, code, Promo.Sort.PERCENT)


def attach(use: PromoUse, payment: Payment) -> None:
    """The discount is this payment's. Made, it counts; come to nothing, `release` frees it."""
    use.payment = payment
    use.save(update_fields=["payment"])


def release(payment: Payment) -> bool:
    """The payment came to nothing: its code can be used again, by this person and by others."""
    uses = PromoUse.objects.filter(payment=payment, released_at=None)
    return bool(uses.update(released_at=timezone.now()))


def look(account: Account, code: str) -> Promo:
    """The discount that `reserve` would give now. Nothing is taken. Raises Problem."""
    for promo in _named(code):
        return _examined(promo, account, Promo.Sort.PERCENT)
    raise refused("promo_unknown", status=404)


def discounted(price: Decimal, promo: Promo) -> Decimal:
    """The price after the discount, the kopeck rounded up: never below what the code says."""
    left = price * (100 - promo.value) / 100
    return left.quantize(Decimal("0.01"), rounding=ROUND_UP)


@transaction.atomic
def _use(account: Account, code: str, sort: str) -> PromoUse:
    ledger.lock_accounts(account.pk)
    for promo in _named(code).select_for_update(no_key=True):
        return PromoUse.objects.create(promo=_examined(promo, account, sort), account=account)
    raise refused("promo_unknown", status=404)


def _examined(promo: Promo, account: Account, sort: str) -> Promo:
    if promo.sort != sort:
        raise refused("promo_not_for_this")
    uses = promo.uses.filter(released_at=None)
    if uses.filter(account=account).exists():
        raise refused("promo_used", status=409)
    if not _runs(promo) or (promo.limit and uses.count() >= promo.limit):
        raise refused("promo_over", status=409)
    return promo


def _named(code: str) -> QuerySet[Promo]:
    same = Promo.objects.filter(code__iexact=code.strip())
    return same if len(code) <= CODE_LENGTH else same.none()


def _runs(promo: Promo) -> bool:
    now = timezone.now()
    not_over = promo.ends_at is None or now < promo.ends_at
    return promo.active and promo.starts_at <= now and not_over
