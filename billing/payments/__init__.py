"""The life of a payment: opened, watched, settled, given back, renewed.

Our row is there first, with the key under which the gateway is asked. What counts is what the
gateway's own API says; nobody's message does.
"""

from billing.payments.asking import settle
from billing.payments.opening import invoice, open
from billing.payments.refunding import check_refunds, refund, refund_arrived, settle_refund
from billing.payments.renewing import renew
from billing.payments.settling import arrived
from billing.payments.starred import may_pay, stars_paid, stars_returned
from billing.payments.watching import check_due

__all__ = [
    "arrived",
    "check_due",
    "check_refunds",
    "invoice",
    "may_pay",
    "open",
    "refund",
    "refund_arrived",
    "renew",
    "settle",
    "settle_refund",
    "stars_paid",
    "stars_returned",
]
