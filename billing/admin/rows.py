"""Rows that only the rules of money write, and the forms by which staff ask them to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


class ReadOnly(admin.ModelAdmin):
    """Seen by whoever may see them, written by nobody."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def may_change(self, request: HttpRequest) -> bool:
        """For acts of their own: the permission itself, though no field can be edited."""
        return request.user.has_perm(f"billing.change_{self.opts.model_name}")

    def ask(self, request: HttpRequest, form: forms.Form, **page: Any) -> HttpResponse:
        """A form between the click and the act."""
        context = {**self.admin_site.each_context(request), "opts": self.opts, "form": form, **page}
        return render(request, "admin/billing/ask.html", context)
