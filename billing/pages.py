"""Pages about money. They only read; whatever changes something goes through the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from billing import gateways, history, inviting, ledger, words
from billing.models import Account, Currency, Gift, Payment, Product
from billing.referrals import THANKS
from billing.subscriptions import plan_of

PAYMENTS_SHOWN = 30
MOVES_SHOWN = 40
GIFTS_SHOWN = 10
MOST_MISSING = 100_000


@require_safe
@login_required
def pricing(request: HttpRequest) -> HttpResponse:
    """Plans and packs in pictures. Opened from something that could not be paid, the smallest
    product that is enough for it stands first."""
    on_sale = list(Product.objects.on_sale())
    plans = [product for product in on_sale if product.sort == Product.Sort.PLAN]
    have = ledger.balance(request.user.pk)
    context = {
        "balance": have,
        "subscription": plan_of(request.user.pk) if have.on_plan else None,
        "plans": plans,
        "recommended": plans[len(plans) // 2] if plans else None,
        "packs": [product for product in on_sale if product.sort == Product.Sort.PACK],
        **begun(request, on_sale),
    }
    return render(request, "billing/pricing.html", context)


@require_safe
@login_required
def checkout(request: HttpRequest, code: str) -> HttpResponse:
    product = get_object_or_404(Product.objects.on_sale(), code=code)
    selling = gateways.selling(product)
    context = {
        "product": product,
        "ways": [way(product, name) for name in selling],
        "receipt": "yookassa" in selling and settings.YOOKASSA_RECEIPTS,
        "errand": errand_of(request),
    }
    return render(request, "billing/checkout.html", context)


@require_safe
@login_required
def pay(request: HttpRequest, code: UUID) -> HttpResponse:
    """Where the person comes back to from the gateway: what became of it, live."""
    mine = Payment.objects.filter(account__user=request.user.pk).select_related("product", "lot")
    payment = get_object_or_404(mine, code=code)
    context = {"payment": payment}
    if payment.status == Payment.Status.SUCCEEDED:
        context["balance"] = ledger.balance(request.user.pk)
    return render(request, "billing/pay.html", context)


@require_safe
@login_required
def payments(request: HttpRequest) -> HttpResponse:
    """What was paid, and every move of the person's units; ``before`` shows earlier ones."""
    mine = Payment.objects.filter(account__user=request.user.pk).prefetch_related("refunds")
    moves = history.moves(request.user.pk).order_by("-pk")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        moves = moves.filter(pk__lt=before)
    shown = list(moves[: MOVES_SHOWN + 1])
    context = {
        "payments": mine.exclude(status=Payment.Status.CREATED)[:PAYMENTS_SHOWN],
        "moves": [(move, history.told(move)) for move in shown[:MOVES_SHOWN]],
        "earlier": shown[MOVES_SHOWN - 1].pk if len(shown) > MOVES_SHOWN else None,
        "paged": bool(before),
    }
    return render(request, "billing/payments.html", context)


@require_safe
@login_required
def invite(request: HttpRequest) -> HttpResponse:
    account = inviting.counted(request.user.pk)
    context = {
        "account": account,
        "links": inviting.links(account),
        "thanks": THANKS,
        "gifts": account.gifts.all()[:GIFTS_SHOWN],
    }
    return render(request, "billing/invite.html", context)


@require_safe
@login_required
def invite_qr(request: HttpRequest) -> HttpResponse:
    account = get_object_or_404(Account, user=request.user.pk)
    answer = HttpResponse(inviting.qr(account), content_type="image/svg+xml")
    answer["Cache-Control"] = "private, max-age=3600"
    return answer


@require_safe
@login_required
def gift(request: HttpRequest, token: str) -> HttpResponse:
    """A gift for whoever has its link."""
    found = get_object_or_404(Gift.objects.select_related("giver__user", "taker"), token=token[:64])
    taker = found.taker.user_id if found.taker else None
    context = {
        "gift": found,
        "is_mine": found.giver.user_id == request.user.pk,
        "is_taken_by_me": taker == request.user.pk,
        "link": request.build_absolute_uri(),
    }
    return render(request, "billing/gift.html", context)


def begun(request: HttpRequest, on_sale: list[Product]) -> dict[str, Any]:
    """What the person could not pay: ``?errand=<code>&tool=<tool>&missing=<credits>``."""
    missing = request.GET.get("missing", "")
    number = min(int(missing), MOST_MISSING) if missing.isdecimal() and len(missing) < 9 else 0
    errand = errand_of(request)
    enough = (product for product in on_sale if product.units >= number)
    return {
        "errand": errand,
        "tool": words.TOOLS.get(request.GET.get("tool", "")),
        "missing": number,
        "enough": next(enough, None) if errand else None,
    }


def errand_of(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.GET.get("errand", ""))
    except ValueError:
        return None


def way(product: Product, name: str) -> dict[str, Any]:
    """A gateway as the person chooses it."""
    label, note = words.WAYS[name]
    currency = Currency.XTR if name == "stars" else Currency.RUB
    amount = product.stars if name == "stars" else product.rubles
    price = words.money(amount, currency)
    return {"name": name, "label": label, "note": note, "currency": currency.value, "price": price}
