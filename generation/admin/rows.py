"""Rows that staff look at, and how far they may touch them."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest


class Unmade(admin.ModelAdmin):
    """Rows that the studio makes by itself."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class Watched(Unmade):
    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
