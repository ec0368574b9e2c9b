"""A purchase begins: our row with its price and key, then the gateway's page."""

from __future__ import annotations

import uuid
from decimal import ROUND_CEILING, Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext, ngettext

from billing import gateways, ledger, promos
from billing.gateways.yookassa import contact_of
from billing.models import Account, Currency, Payment, Product, Promo
from billing.payments import asking
from billing.problems import refused


def open(
    user_id: int,
    product_code: str,
    *,
    gateway: str,
    contact: str = "",
    save_method: bool = False,
    promo: str = "",
    errand: uuid.UUID | None = None,
    key: str | None = None,
) -> Payment:
    """The payment with its page. The same client's ``key`` means the same payment.

    Without a page yet the gateway could not be reached: it is asked again by the clock.
    """
    code = _code_of(user_id, key) if key else uuid.uuid4()
    with transaction.atomic():
        account = ledger.lock(user_id)
        payment = Payment.objects.filter(code=code).first()
        if payment:
            return _same(payment, product_code, gateway)
        product = _on_sale(product_code, gateway)
        payment = row(account, product, gateway)
        payment.code, payment.errand = code, errand
        payment.idempotence_key = f"payment:{code.hex}"
        payment.contact = _contact(contact, gateway)
        payment.save_method = save_method and product.sort == Product.Sort.PLAN
        _write(payment, promo)
    payment = asking.order(payment)
    if payment.status == Payment.Status.CANCELED:
        raise refused("gateway_refused", status=502)
    return payment


@transaction.atomic
def invoice(
    user_id: int, product_code: str, *, key: str, errand: uuid.UUID | None = None
) -> Payment:
    """A purchase for Stars that the bot sends as an invoice: nobody has to be asked for a page.

    The same ``key`` means the same payment.
    """
    code = _code_of(user_id, key)
    account = ledger.lock(user_id)
    if payment := Payment.objects.filter(code=code).first():
        return payment
    payment = row(account, _on_sale(product_code, "stars"), "stars")
    payment.code, payment.errand, payment.status = code, errand, Payment.Status.PENDING
    payment.idempotence_key = f"payment:{code.hex}"
    payment.save(force_insert=True)
    return payment


def _code_of(user_id: int, key: str) -> uuid.UUID:
    """Nobody else can guess it, and the same key gives the same."""
    digest = salted_hmac("billing.payments", f"{user_id}:{key}", algorithm="sha256").digest()
    return uuid.UUID(bytes=digest[:16], version=4)


def _same(payment: Payment, product_code: str, gateway: str) -> Payment:
    if (payment.product.code, payment.gateway) != (product_code, gateway):
        raise refused("payment_key_reused", status=422)
    return payment


def _on_sale(code: str, gateway: str) -> Product:
    product = Product.objects.on_sale().filter(code=code).first()
    if product is None:
        raise refused("product_gone", status=404)
    if gateway not in gateways.selling(product):
        raise refused("gateway_gone", status=409)
    return product


def _contact(raw: str, gateway: str) -> str:
    """A receipt needs an address; where there is none to be made, none is kept."""
    if gateway != "yookassa" or not settings.YOOKASSA_RECEIPTS:
        return ""
    if contact := contact_of(raw):
        return contact
    raise refused("contact_needed", status=422)


def row(account: Account, product: Product, gateway: str) -> Payment:
    """What is sold, as it stands now."""
    in_stars = gateway == "stars"
    price = Decimal(product.stars or 0) if in_stars else product.rubles
    return Payment(
        account=account, gateway=gateway, product=product, sort=product.sort,
        name=title_of(product), units=product.units, days=product.days, price=price, amount=price,
        currency=Currency.XTR if in_stars else Currency.RUB,
        check_at=timezone.now() + asking.UNANSWERED,
    )  # fmt: skip


def title_of(product: Product) -> str:
    """What it is called where it is paid and on the receipt, in the language of this moment.

    It is kept with the payment, for an order that is repeated must be the same word for word.
    """
    if product.sort == Product.Sort.PLAN:
        plan = gettext("Plan “%(name)s”, %(days)s days")
        return (plan % {"name": product.name, "days": product.days})[:64]
    credits = ngettext("%(units)s credit", "%(units)s credits", product.units)
    return credits % {"units": product.units}


def _write(payment: Payment, promo: str) -> None:
    if not promo:
        payment.save(force_insert=True)
        return
    use = promos.reserve(payment.account, promo)
    payment.amount = _discounted(payment, use.promo)
    payment.save(force_insert=True)
    promos.attach(use, payment)


def _discounted(payment: Payment, promo: Promo) -> Decimal:
    """Stars are whole, so what is left is rounded up to one."""
    left = promos.discounted(payment.price, promo)
    whole = payment.currency == Currency.XTR
    return left.to_integral_value(ROUND_CEILING) if whole else left
