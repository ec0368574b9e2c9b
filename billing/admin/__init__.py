"""Money for staff: everything to be seen, nothing that moved to be edited."""

from billing.admin import books, catalogue, payments, sharing

__all__ = ["books", "catalogue", "payments", "sharing"]
