"""Broadcasts for staff: written, looked at, tried on oneself, begun, held and stopped."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.problem import Problem
from telegram_integration import broadcasts, progress
from telegram_integration.audience import audience
from telegram_integration.broadcast_acts import ACTS, Act
from telegram_integration.models import Broadcast

DRAFT = Broadcast.Status.DRAFT


@admin.register(Broadcast)
class BroadcastAdmin(admin.ModelAdmin):
    """Whoever may change one may write, try, begin and stop it; only drafts can be edited."""

    list_display = ("created_at", "__str__", "segment", "status", "starts_at", "told", "author")
    list_display_links = ("created_at", "__str__")
    list_filter = ("status", "segment")
    search_fields = ("text_ru", "text_en", "author__username", "=code")
    list_select_related = ("author",)
    list_per_page = 25
    date_hierarchy = "created_at"
    fields = ("segment", "text_ru", "text_en", "button_ru", "button_en", "path")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Broadcast]:
        return progress.counted(super().get_queryset(request))

    @admin.display(description=gettext_lazy("sent / failed / wanted"))
    def told(self, row: Broadcast) -> str:
        """How far it is, as the way to the page where it is looked at and sent."""
        words = _("Preview")
        if row.started_at:
            so_far = progress.progress(row)
            words = f"{so_far.sent} / {so_far.failed} / {so_far.wanted} ({so_far.percent} %)"
        address = reverse("admin:telegram_integration_broadcast_preview", args=[row.pk])
        return format_html('<a href="{}">{}</a>', address, words)

    # ── who may what ──────────────────────────────────────────────────────────────────────────

    def may_change(self, request: HttpRequest) -> bool:
        return request.user.has_perm("telegram_integration.change_broadcast")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_change(request)

    def has_change_permission(self, request: HttpRequest, obj: Broadcast | None = None) -> bool:
        return self.may_change(request) and (obj is None or obj.status == DRAFT)

    def has_delete_permission(self, request: HttpRequest, obj: Broadcast | None = None) -> bool:
        """A draft may go; what people were told stays."""
        return self.has_change_permission(request, obj)

    # ── writing ───────────────────────────────────────────────────────────────────────────────

    def save_model(
        self, request: HttpRequest, obj: Broadcast, form: forms.ModelForm, change: bool
    ) -> None:
        """Raises PermissionDenied where somebody scheduled it meanwhile."""
        if not change:
            obj.author = request.user
            obj.save()
            return
        changes = {name: getattr(obj, name) for name in form.changed_data}
        if changes and not obj.move(DRAFT, **changes):
            raise PermissionDenied

    def delete_model(self, request: HttpRequest, obj: Broadcast) -> None:
        Broadcast.objects.filter(pk=obj.pk, status=DRAFT).delete()

    def response_post_save_add(self, request: HttpRequest, obj: Broadcast) -> HttpResponse:
        return redirect("admin:telegram_integration_broadcast_preview", obj.pk)

    response_post_save_change = response_post_save_add

    # ── looking and acting ────────────────────────────────────────────────────────────────────

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "preview": ("<int:pk>/preview/", self.preview),
            "act": ("<int:pk>/act/<slug:name>/", self.act),
        }
        own = [
            path(
                route, self.admin_site.admin_view(view),
                name=f"telegram_integration_broadcast_{name}",
            )
            for name, (route, view) in pages.items()
        ]  # fmt: skip
        return own + super().get_urls()

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """As people will see it, who they are, how far it is, and what can be done now."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(self.get_queryset(request).select_related("author"), pk=pk)
        acts = {name: act.title for name, act in ACTS.items() if row.status in act.expected}
        return self._page(
            request, "telegram_integration/broadcast/preview", title=str(row), row=row,
            versions=versions(row), number=audience(row.segment).count(),
            progress=progress.progress(row) if row.started_at else None,
            acts=acts if self.may_change(request) else {},
            is_editable=self.has_change_permission(request, row),
        )  # fmt: skip

    def act(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Asked once more before it is done."""
        if not self.may_change(request):
            raise PermissionDenied
        row, act = get_object_or_404(Broadcast, pk=pk), known(name)
        form = act.form(request.POST if request.method == "POST" else None)
        if form.is_valid():
            self._carry_out(request, row, act, form.cleaned_data)
            return redirect("admin:telegram_integration_broadcast_preview", pk)
        return self._page(
            request, "billing/ask", title=act.title, note=act.note(row), button=act.title, form=form
        )

    def _carry_out(
        self, request: HttpRequest, row: Broadcast, act: Act, asked: dict[str, Any]
    ) -> None:
        try:
            act.carry_out(row, request.user, asked)
        except Problem as problem:
            messages.warning(request, str(problem.message))
        else:
            self.log_change(request, row, act.log(asked))
            messages.success(request, _("Done."))

    def _page(self, request: HttpRequest, template: str, **page: Any) -> HttpResponse:
        page = {**self.admin_site.each_context(request), "opts": self.opts, **page}
        return render(request, f"admin/{template}.html", page)


def known(name: str) -> Act:
    if name not in ACTS:
        raise Http404
    return ACTS[name]


def versions(row: Broadcast) -> list[tuple[Any, str, str, int]]:
    """For each language: what is read, on which button, by how many people now."""
    found = audience(row.segment).order_by().values("language").annotate(number=Count("pk"))
    numbers = {one["language"]: one["number"] for one in found}
    names = {"ru": _("Russian"), "en": _("English")}
    return [
        (names[language], row.text(language), row.button(language), numbers.get(language, 0))
        for language in broadcasts.LANGUAGES
    ]
