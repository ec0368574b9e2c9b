"""Money for staff: everything to be seen, nothing that moved to be edited."""

from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from billing.models import Account, Entry, Lot, Price, Product


class ReadOnly(admin.ModelAdmin):
    """Rows that only the ledger writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class LotInline(admin.TabularInline):
    model = Lot
    fields = readonly_fields = (
        "kind",
        "remaining",
        "granted",
        "source",
        "created_at",
        "expires_at",
    )
    can_delete = False
    extra = max_num = 0


@admin.register(Account)
class AccountAdmin(ReadOnly):
    list_display = ("user", "created_at")
    search_fields = ("user__username", "=user__telegram_id")
    list_select_related = ("user",)
    inlines = (LotInline,)


@admin.register(Lot)
class LotAdmin(ReadOnly):
    list_display = ("account", "kind", "remaining", "granted", "source", "created_at", "expires_at")
    list_filter = ("kind", "source")
    search_fields = ("key", "account__user__username")
    list_select_related = ("account__user",)
    date_hierarchy = "created_at"


@admin.register(Entry)
class EntryAdmin(ReadOnly):
    list_display = ("created_at", "delta", "kind", "reason", "key", "person")
    list_filter = ("reason", "lot__kind")
    search_fields = ("key", "lot__account__user__username")
    list_select_related = ("lot__account__user",)
    date_hierarchy = "created_at"

    @admin.display(ordering="lot__kind")
    def kind(self, entry: Entry) -> str:
        return entry.lot.get_kind_display()

    @admin.display(ordering="lot__account__user__username")
    def person(self, entry: Entry) -> str:
        return str(entry.lot.account.user)


@admin.register(Price)
class PriceAdmin(admin.ModelAdmin):
    list_display = ("tool", "credits", "actions")
    list_editable = ("credits", "actions")

    def has_delete_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        return False


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ("name", "code", "sort", "rubles", "stars", "units", "days", "active")
    list_filter = ("sort", "active")
    search_fields = ("code", "name")
