"""People for staff."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from telegram_integration.models import ApiKey, UsedInitData, User


@admin.register(User)
class PersonAdmin(UserAdmin):
    list_display = (
        "username",
        "first_name",
        "telegram_id",
        "language",
        "guest",
        "is_staff",
        "date_joined",
    )
    list_filter = ("language", "guest", "is_staff", "is_active")
    search_fields = ("username", "first_name", "last_name", "=telegram_id")
    date_hierarchy = "date_joined"
    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        ("Studio", {"fields": ("telegram_id", "language", "guest")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False  # their books must stay


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    list_display = ("name", "user", "start", "created_at", "last_used_at", "revoked_at")
    search_fields = ("name", "user__username", "start")
    list_select_related = ("user",)
    readonly_fields = ("user", "name", "start", "created_at", "last_used_at")
    fields = (*readonly_fields, "revoked_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # its text could not be shown


@admin.register(UsedInitData)
class UsedInitDataAdmin(admin.ModelAdmin):
    list_display = ("user", "used_at")
    search_fields = ("user__username",)
    list_select_related = ("user",)
    readonly_fields = ("digest", "user", "used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
