"""Everything that can go wrong with money, in words for the person.

Codes are stable and part of the API. A gateway's own text never appears here.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from billing.problem import Problem

SUBSCRIPTION = {
    "subscription_none": _("There is no plan here yet. Choose one to begin."),
    "subscription_ended": _("This plan cannot be renewed by itself any more. Choose it once more."),
}

NOTICE = {
    "notice_unknown": _("There is no such message here."),
}

PROMO = {
    "promo_unknown": _("We do not know this code. Check the letters and try again."),
    "promo_over": _("This code is not valid now: its time or its number of people is over."),
    "promo_used": _("You have used this code already."),
    "promo_not_for_this": _("This code is not for this. Credits need no purchase, discounts do."),
}

GIFT = {
    "gift_unknown": _("This gift does not exist. Ask for the link once more."),
    "gift_own": _("This gift is from you. Send the link to somebody else."),
    "gift_taken": _("Somebody has taken this gift already."),
    "gift_over": _("This gift was not taken in time and went back to the giver."),
    "gift_for_nothing": _("Only credits that were bought can be given away. Presents stay yours."),
    "gift_units": _("Give between 1 and %(limit)s credits."),
}

PAYMENT = {
    "product_gone": _("This is not on sale any more. Choose another one."),
    "gateway_gone": _("This way to pay is not available for this. Choose another one."),
    "gateway_refused": _("The payment could not be started. Nothing was charged. Try again later."),
    "contact_needed": _("A receipt needs your e-mail address or phone number. Please check it."),
    "payment_key_reused": _("This Idempotency-Key was used for another purchase."),
    "payment_closed": _("This invoice is not valid any more. Open the shop and choose once more."),
    "payment_differs": _("This invoice has changed. Open the shop and choose once more."),
    "payment_of_another": _("This invoice was made for somebody else."),
}

REFUND = {
    "refund_not_paid": _("Only a payment that was made can be given back."),
    "refund_amount": _("Give back between 0.01 and %(limit)s."),
    "refund_going_on": _("A refund of this payment is on its way already."),
    "refund_meanwhile": _("It has changed meanwhile: look at the payment again."),
    "refund_whole_only": _("Stars can be given back only as a whole."),
}

STAFF = {
    "referral_settled": _("This invitation needs no decision any more."),
}

SENTENCES = SUBSCRIPTION | NOTICE | PROMO | GIFT | PAYMENT | REFUND | STAFF


def refused(code: str, *, status: int = 422, **data: object) -> Problem:
    """A Problem with the sentence of this code. ``data`` fills the sentence and the answer."""
    sentence = SENTENCES[code]
    return Problem(code, sentence % data if data else sentence, status=status, **data)
