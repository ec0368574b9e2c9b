"""Money as rows. What must never be is refused by the database itself."""

from billing.models.accounts import Account, Entry, Kind, Lot, unbalanced_lots
from billing.models.books import Audit
from billing.models.catalogue import Price, Product
from billing.models.notices import Notice
from billing.models.payments import Currency, Notification, Payment, Refund
from billing.models.sandbox import SandboxPayment
from billing.models.sharing import Gift, Promo, PromoUse, Referral
from billing.models.subscriptions import StandingOrder, Subscription

__all__ = [
    "Account",
    "Audit",
    "Currency",
    "Entry",
    "Gift",
    "Kind",
    "Lot",
    "Notice",
    "Notification",
    "Payment",
    "Price",
    "Product",
    "Promo",
    "PromoUse",
    "Referral",
    "Refund",
    "SandboxPayment",
    "StandingOrder",
    "Subscription",
    "unbalanced_lots",
]
