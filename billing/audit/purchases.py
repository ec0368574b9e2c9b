"""What must be true of payments and refunds together with their lots."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.audit.moves import in_parts, moves
from billing.models import Kind, Lot, Payment, Product, Refund


def findings() -> Iterator[str]:
    yield from _payments_unlike_their_lot()
    yield from _purchases_nobody_paid()
    yield from _refunds_unlike_their_units()
    yield from _payments_unlike_their_refunds()


def _payments_unlike_their_lot() -> Iterator[str]:
    made = Payment.objects.filter(status=Payment.Status.SUCCEEDED)
    for payment in made.filter(lot=None):
        yield f"payment {payment.code}: was made and gave nothing"
    plan, credit = Q(sort=Product.Sort.PLAN), Q(sort=Product.Sort.PACK)
    right = (plan & Q(lot__kind=Kind.PLAN)) | (credit & Q(lot__kind=Kind.CREDIT))
    same = Q(lot__granted=F("units"), lot__account=F("account"))
    for payment in made.exclude(lot=None).exclude(right & same):
        yield f"payment {payment.code}: its lot {payment.lot_id} is not what was bought"


def _purchases_nobody_paid() -> Iterator[str]:
    paid = Payment.objects.filter(status=Payment.Status.SUCCEEDED, lot__isnull=False)
    for lot in Lot.objects.filter(key__startswith="payment:").exclude(pk__in=paid.values("lot")):
        yield f"lot {lot.pk}: {lot.key} is of no payment that was made"


def _refunds_unlike_their_units() -> Iterator[str]:
    """Units of a refund that was refused are back; those of any other are taken."""
    refunds = Refund.objects.values_list("code", "status", "units").order_by("pk")
    for some in in_parts(refunds):
        moved = moves(f"refund:{code}:{act}" for code, *_rest in some for act in ("take", "back"))
        for code, status, units in some:
            taken, back = -moved[f"refund:{code}:take"], moved[f"refund:{code}:back"]
            due = units if status == Refund.Status.CANCELED else 0
            if (taken, back) != (units, due):
                yield f"refund {code}: {units} units, {taken} taken and {back} put back"


def _payments_unlike_their_refunds() -> Iterator[str]:
    of_payment = Refund.objects.filter(payment=OuterRef("pk"), status=Refund.Status.SUCCEEDED)
    total = of_payment.order_by().values("payment").annotate(sum=Sum("amount")).values("sum")
    summed = Payment.objects.annotate(back=Coalesce(Subquery(total), Decimal(0)))
    for payment in summed.exclude(back=F("refunded")):
        said = f"{payment.refunded} went back, its refunds say {payment.back:.2f}"
        yield f"payment {payment.code}: {said}"
