"""Money as rows. What must never be is refused by the database itself."""

from billing.models.accounts import Account, Entry, Kind, Lot, unbalanced_lots
from billing.models.books import Audit
from billing.models.catalogue import Price, Product
from billing.models.payments import Currency, Notification, Payment, Refund, Subscription
from billing.models.sandbox import SandboxPayment
from billing.models.sharing import Gift, Promo, PromoUse, Referral

__all__ = [
    "Account",
    "Audit",
    "Currency",
    "Entry",
    "Gift",
    "Kind",
    "Lot",
    "Notification",
    "Payment",
    "Price",
    "Product",
    "Promo",
    "PromoUse",
    "Referral",
    "Refund",
    "SandboxPayment",
    "Subscription",
    "unbalanced_lots",
]
