"""Providers, who is asked first, and what became of orders."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from generation import alerts, checkup, routing
from generation.admin.rows import Watched
from generation.models import Alert, Attempt, Heartbeat, ProviderSetting, Route


@admin.register(Heartbeat)
class HeartbeatAdmin(Watched):
    list_display = ("name", "slots", "beat_at")


class RouteInline(admin.TabularInline):
    model = Route
    extra = 1


@admin.register(ProviderSetting)
class ProviderSettingAdmin(admin.ModelAdmin):
    """Switched off here, a provider gets no new order in any process."""

    list_display = ("name", "enabled", "concurrency", "per_minute", "picture_cost", "balance")
    list_editable = ("enabled", "concurrency", "per_minute", "picture_cost")
    inlines = (RouteInline,)
    readonly_fields = ("resting", "balance")

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.checkup)
        own = [path("checkup/", page, name="generation_providersetting_checkup")]
        return own + super().get_urls()

    def checkup(self, request: HttpRequest) -> HttpResponse:
        """Every provider as a table. They are asked only by the button."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = request.method == "POST"
        page = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("How the providers are"),
            "findings": checkup.look() if asked else checkup.known(),
            "asked": asked,
        }
        return render(request, "admin/generation/providersetting/checkup.html", page)

    @admin.display(boolean=True, description="breaker open")
    def resting(self, setting: ProviderSetting) -> bool:
        return routing.is_resting(setting.name)


@admin.register(Route)
class RouteAdmin(admin.ModelAdmin):
    list_display = ("tool", "order", "provider")
    list_editable = ("order",)
    list_filter = ("tool", "provider")
    list_select_related = ("provider",)


@admin.register(Attempt)
class AttemptAdmin(Watched):
    list_display = ("started_at", "provider", "job", "outcome", "accepted", "ended_at")
    list_filter = ("provider", "outcome")
    search_fields = ("=job__code", "ref")
    list_select_related = ("job",)
    date_hierarchy = "started_at"


@admin.register(Alert)
class AlertAdmin(Watched):
    list_display = ("key", "text", "times", "created_at", "seen_at", "cleared_at")
    list_filter = (("cleared_at", admin.EmptyFieldListFilter),)
    date_hierarchy = "created_at"
    actions = ("put_right",)
    readonly_fields = ("fix",)

    def get_fields(self, request: HttpRequest, obj: Alert | None = None) -> list[str]:
        return ["key", "text", "fix", "times", "created_at", "seen_at", "told_at",
                "cleared_at", "end_told_at"]  # fmt: skip

    def has_put_right_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("generation.change_alert")

    @admin.display(description=_("what to do"))
    def fix(self, alert: Alert) -> str:
        return str(alerts.fix(alert)) or "–"

    @admin.action(description=_("It has been put right"), permissions=["put_right"])
    def put_right(self, request: HttpRequest, chosen: QuerySet[Alert]) -> None:
        alerts.clear(*chosen.values_list("key", flat=True))
        messages.info(request, _("Closed. It opens again if it happens again."))
