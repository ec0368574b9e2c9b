"""Conversations with the assistant."""

from __future__ import annotations

from django.contrib import admin

from generation.admin.rows import Watched
from generation.models import Chat, Message


class MessageInline(admin.TabularInline):
    model = Message
    fields = ("created_at", "role", "text", "prompts", "free", "tokens_in", "tokens_out")
    readonly_fields = fields
    can_delete = False
    max_num = 0


@admin.register(Chat)
class ChatAdmin(Watched):
    list_display = ("code", "owner", "created_at")
    search_fields = ("=code", "owner__username", "=owner__telegram_id")
    list_select_related = ("owner",)
    date_hierarchy = "created_at"
    inlines = (MessageInline,)


@admin.register(Message)
class MessageAdmin(Watched):
    list_display = ("created_at", "role", "chat", "job", "free", "tokens_in", "tokens_out")
    list_filter = ("role", "free")
    search_fields = ("=job__code", "text")
    list_select_related = ("chat", "job")
    date_hierarchy = "created_at"
