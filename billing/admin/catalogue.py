"""What is sold, what tools cost, and promo codes. What was sold already stands in its payment."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from billing.admin.rows import ReadOnly
from billing.models import Price, Product, Promo, PromoUse


class Kept(admin.ModelAdmin):
    """Edited, switched off, and never deleted: payments point to it.

    ``fixed`` fields are given once, for what was made with them stands in the books.
    """

    fixed: tuple[str, ...] = ()

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        return self.fixed if obj else ()


@admin.register(Price)
class PriceAdmin(Kept):
    list_display = ("tool", "credits", "actions")
    list_editable = ("credits", "actions")
    fixed = ("tool",)


@admin.register(Product)
class ProductAdmin(Kept):
    list_display = (
        "name", "code", "sort", "rubles", "stars", "units", "days", "active", "on_sale_from",
        "on_sale_until",
    )  # fmt: skip
    list_filter = ("sort", "active")
    search_fields = ("code", "name")
    fixed = ("code", "sort")


@admin.register(Promo)
class PromoAdmin(Kept):
    list_display = ("code", "sort", "value", "limit", "starts_at", "ends_at", "active", "note")
    list_filter = ("sort", "active")
    search_fields = ("code", "note")
    fixed = ("code", "sort", "value")


@admin.register(PromoUse)
class PromoUseAdmin(ReadOnly):
    list_display = ("created_at", "promo", "account", "payment", "released_at")
    search_fields = ("promo__code", "account__user__username")
    list_select_related = ("promo", "account", "payment")
    date_hierarchy = "created_at"
