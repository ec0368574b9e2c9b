"""Money as a person reads it: what is sold, what moved, why a payment came to nothing."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from billing.catalogue import listed_price
from billing.ledger import SPENDING_ORDER, Balance
from billing.models import Currency, Kind, Notice, Payment, Product
from billing.problem import Problem

Said = str | Promise

TOOLS: dict[str, Said] = {
    "tryon": _("Try-on"),
    "edit": _("Edit of a photo"),
    "imagine": _("Pictures from words"),
    "assistant": _("A question to the assistant"),
}
GIVEN_BACK: dict[str, Said] = {
    "failed": _("no picture came"),
    "cancelled": _("cancelled"),
    "makeshift": _("the picture was not good enough"),
}
MOVES: dict[str, Said] = {
    "welcome": _("Welcome"),
    "free": _("Free actions for 30 days"),
    "promo": _("Promo code"),
    "referral": _("A friend made their first picture"),
    "gift": _("Gift"),
    "gift returned": _("Nobody took your gift, it came back"),
    "refund": _("Purchase given back"),
    "refund refused": _("The refund did not work, here they are again"),
    "grant": _("From the studio"),
    "withdrawal": _("Corrected by the studio"),
    "here before": _("You had it when you were here before"),
}
# Codes of YooKassa and ours. The set is open: what is not here is said in general.
UNPAID: dict[str, Said] = {
    "insufficient_funds": _("There is not enough money on the card."),
    "3d_secure_failed": _("The bank's confirmation did not work out."),
    "call_issuer": _("The bank said no. It can tell you why, or try another card."),
    "card_expired": _("The card has expired."),
    "country_forbidden": _("Cards of this country are not accepted here."),
    "expired_on_confirmation": _("The time to pay is over."),
    "fraud_suspected": _("The bank took it for a mistake. Try another card."),
    "invalid_card_number": _("The card's number is wrong."),
    "invalid_csc": _("The code on the back of the card is wrong."),
    "issuer_unavailable": _("The bank does not answer right now. Try again later."),
    "payment_method_limit_exceeded": _("The card's limit is used up."),
    "payment_method_restricted": _("The bank does not allow such payments with this card."),
    "permission_revoked": _("The permission to charge this card was taken back."),
    "general_decline": _("The bank declined the payment."),
    "canceled": _("The payment was cancelled."),
}
UNPAID_SOMEHOW = _("The payment did not work out.")

WAYS: dict[str, tuple[Said, Said]] = {
    "yookassa": (_("Card or bank app"), _("By YooKassa, with a receipt")),
    "stars": (_("Telegram Stars"), _("Inside Telegram")),
    "sandbox": (_("Test payment"), _("No real money moves")),
}


def money(amount: Decimal, currency: str) -> str:
    """ "299 ₽", "149,50 ₽", "150 ⭐"."""
    places = 0 if amount == amount.to_integral_value() else 2
    return f"{number_format(amount, places, force_grouping=True)} {Currency(currency).label}"


def name_of(product: Product) -> str:
    """ "Pro", or "300 credits": packs are named by what is in them."""
    if product.sort == Product.Sort.PLAN:
        return product.name
    return credits(product.units)


def credits(number: int) -> str:
    return ngettext("%(count)d credit", "%(count)d credits", number) % {"count": number}


def units(kind: str, amount: int) -> str:
    """An amount of credits, plan actions or free actions in words."""
    if kind == Kind.PLAN and not amount:
        return gettext("free with your plan")
    if not amount:
        return gettext("free")
    if kind == Kind.PLAN:
        text = ngettext("%(count)d action", "%(count)d actions", amount)
    elif kind == Kind.FREE:
        text = ngettext("%(count)d free action", "%(count)d free actions", amount)
    else:
        return credits(amount)
    return text % {"count": amount}


def balance_words(balance: Balance) -> str:
    """ "5 credits, 10 free actions": what is there, in the order in which it is spent."""
    return ", ".join(_held(balance)) or credits(0)


def balance_short(balance: Balance) -> str:
    """The kind that pays first, for the chip at the top."""
    return next(iter(_held(balance)), credits(0))


def _held(balance: Balance) -> list[str]:
    return [units(kind, balance.of(kind)) for kind in SPENDING_ORDER if balance.of(kind)]


def left(entry: Any) -> str:
    """What of its kind there was after an entry of `history.moves`."""
    if entry.after or entry.lot.kind != Kind.PLAN:
        return units(entry.lot.kind, entry.after)
    return gettext("no actions")


def enough_for(product: Product) -> dict[str, int]:
    """How many try-ons, or else how many pictures, its units pay for."""
    kind = Kind.PLAN if product.sort == Product.Sort.PLAN else Kind.CREDIT
    return {name: _number(product, tool, kind) for name, tool in
            (("tryons", "tryon"), ("pictures", "imagine"))}  # fmt: skip


def _number(product: Product, tool: str, kind: str) -> int:
    try:
        each = listed_price(tool).amount(kind)
    except Problem:
        return 0
    return product.units // each if each else 0


def why_unpaid(payment: Payment) -> Said:
    """Empty while it is open or paid."""
    if payment.status != Payment.Status.CANCELED:
        return ""
    return UNPAID.get(payment.reason, UNPAID_SOMEHOW)


def what_moved(reason: str, delta: int, bought: str = "") -> Said:
    """A line of the person's history. ``bought`` names the purchase, where it was one."""
    if reason in TOOLS:
        return TOOLS[reason]
    tool, _space, why = reason.partition(" ")
    if tool in TOOLS and why in GIVEN_BACK:
        back = {"tool": TOOLS[tool], "why": GIVEN_BACK[why]}
        return gettext("%(tool)s: %(why)s, given back") % back
    if reason == "gift" and delta < 0:
        return gettext("Your gift to somebody")
    if bought:
        return gettext("Bought: %(name)s") % {"name": bought}
    return MOVES.get(reason, MOVES["grant" if delta > 0 else "withdrawal"])


NOTICES: dict[str, tuple[Said, Said]] = {
    Notice.Sort.PLAN_ENDS: (
        _("Your plan “%(name)s” ends on %(date)s, and what is left of it ends with it."),
        _("Extend it"),
    ),
    Notice.Sort.PLAN_RENEWS: (
        _("Your plan “%(name)s” is renewed on %(date)s for %(price)s."),
        _("Look at it"),
    ),
    Notice.Sort.RENEWAL_FAILED: (
        _("Your plan “%(name)s” could not be renewed. %(why)s Nothing was charged. "
          "It is tried again on %(date)s."),
        _("Pay now"),
    ),
    Notice.Sort.RENEWAL_OVER: (
        _("Your plan “%(name)s” has ended, for it could not be renewed. %(why)s "
          "Nothing was charged."),
        _("Choose a plan"),
    ),
}  # fmt: skip


def notice(one: Notice) -> tuple[str, Said, str]:
    """What it says, and where its button leads: the sentence, the button, the address."""
    said, button = NOTICES[one.sort]
    data = one.data
    facts = {
        "name": data["name"],
        "date": date_format(datetime.fromisoformat(data["at"]), "j E"),
        "price": money(Decimal(data.get("price", 0)), data["currency"]),
        "why": UNPAID.get(data.get("reason", ""), UNPAID_SOMEHOW),
    }
    return str(said) % facts, button, _way_on(one)


def _way_on(one: Notice) -> str:
    if one.sort == Notice.Sort.PLAN_RENEWS:
        return reverse("profile")
    if one.sort == Notice.Sort.RENEWAL_OVER:
        return reverse("pricing")
    return reverse("checkout", args=[one.data["product"]])


def receipt_of(payment: Payment) -> Said:
    """Where the receipt is; empty where none is made."""
    said: dict[str, Any] = {
        "pending": _("The receipt is being made."),
        "succeeded": _("The receipt was sent to you."),
        "canceled": _("The receipt could not be made, we look into it."),
    }
    return said.get(payment.receipt, "")
