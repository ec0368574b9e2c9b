"""People for staff."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing import tracing
from billing.admin.rows import ReadOnly
from telegram_integration import broadcast_admin  # noqa: F401
from telegram_integration.models import (
    ApiKey,
    ChatJob,
    Incoming,
    Lease,
    Login,
    OutgoingMessage,
    Talk,
    UsedInitData,
    User,
)


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
        ("Studio", {"fields": ("telegram_id", "language", "guest", "in_logs")}),
    )
    readonly_fields = ("in_logs",)

    @admin.display(description=_("name in logs"))
    def in_logs(self, person: User) -> str:
        return tracing.pseudonym(person.pk) if person.pk else "–"

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


@admin.register(Login)
class LoginAdmin(ReadOnly):
    list_display = ("created_at", "user", "declined_at", "used_at")
    search_fields = ("user__username",)
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    exclude = ("browser",)


@admin.register(Incoming)
class IncomingAdmin(ReadOnly):
    list_display = ("update_id", "telegram_id", "received_at", "done_at", "tries", "trouble")
    list_filter = (("done_at", admin.EmptyFieldListFilter), ("trouble", admin.EmptyFieldListFilter))
    search_fields = ("=update_id", "=telegram_id")
    date_hierarchy = "received_at"


@admin.register(OutgoingMessage)
class OutgoingMessageAdmin(ReadOnly):
    list_display = (
        "created_at", "chat_id", "method", "lane", "state", "tries", "due_at", "sent_at", "trouble",
    )  # fmt: skip
    list_filter = ("state", "lane", "method", ("trouble", admin.EmptyFieldListFilter))
    search_fields = ("=chat_id", "key")
    date_hierarchy = "created_at"


@admin.register(Talk)
class TalkAdmin(ReadOnly):
    list_display = ("user", "chat_id", "step", "updated_at")
    list_filter = ("step",)
    search_fields = ("user__username", "=chat_id")
    list_select_related = ("user",)


@admin.register(ChatJob)
class ChatJobAdmin(ReadOnly):
    list_display = ("job", "chat_id", "shown", "edits", "edit_at", "created_at")
    search_fields = ("=chat_id", "=job__code")
    list_select_related = ("job",)


@admin.register(Lease)
class LeaseAdmin(ReadOnly):
    list_display = ("name", "holder", "until")
    search_fields = ("name", "holder")
