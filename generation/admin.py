"""Jobs and pictures for staff: see everything, change what is safe to change."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from billing.models import Entry
from generation import ending, prompts, routing
from generation.models import (
    FINAL,
    Attempt,
    Draft,
    Heartbeat,
    Input,
    Job,
    Photo,
    Prompt,
    ProviderSetting,
    Route,
)


class Unmade(admin.ModelAdmin):
    """Rows that the studio makes by itself."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class Watched(Unmade):
    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(Watched):
    list_display = (
        "created_at", "tool", "state", "owner", "price", "provider", "seconds", "error_code",
    )  # fmt: skip
    list_filter = ("state", "tool", "provider", "watermark", "error_code")
    search_fields = ("=code", "owner__username", "=owner__telegram_id", "prompt")
    list_select_related = ("owner",)
    date_hierarchy = "created_at"
    actions = ("stop",)
    readonly_fields = ("money", "pictures")

    def get_fields(self, request: HttpRequest, obj: Job | None = None) -> list[str]:
        rows = [field.name for field in Job._meta.concrete_fields if field.name != "id"]
        return ["pictures", "money", *rows]

    def has_stop_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("generation.change_job")

    @admin.display(ordering="price_amount")
    def price(self, job: Job) -> str:
        return f"{job.price_amount} {job.price_unit}"

    @admin.display(description="seconds")
    def seconds(self, job: Job) -> str:
        if not (job.started_at and job.finished_at):
            return "–"
        return f"{(job.finished_at - job.started_at).total_seconds():.1f}"

    @admin.display(description="charge and refund")
    def money(self, job: Job) -> str:
        moves = Entry.objects.filter(key__in=(job.charge_key, job.refund_key)).order_by("pk")
        rows = ((reverse("admin:billing_entry_change", args=[m.pk]), m.delta, m.key) for m in moves)
        return format_html_join("", '<p><a href="{}">{} {}</a></p>', rows) or "nothing moved"

    @admin.display(description="photos and results")
    def pictures(self, job: Job) -> str:
        inputs = [(i.role, i.photo) for i in job.inputs.select_related("photo")]
        made = [("result", photo) for photo in job.results.all()]
        rows = (
            (reverse("admin:generation_photo_change", args=[photo.pk]), role, photo.code)
            for role, photo in [*inputs, *made]
        )
        return format_html_join("", '<p><a href="{}">{} {}</a></p>', rows) or "none"

    @admin.action(description="Stop and give everything back", permissions=["stop"])
    def stop(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        stopped = 0
        for job in jobs.exclude(state__in=FINAL).select_related("owner"):
            try:
                ending.cancel(job)
                stopped += 1
            except ending.Lost:
                continue
        messages.info(request, f"{stopped} stopped.")


@admin.register(Photo)
class PhotoAdmin(Watched):
    list_display = ("code", "owner", "kind", "width", "height", "size", "created_at", "deleted_at")
    list_filter = ("mime", "favourite", ("job", admin.EmptyFieldListFilter))
    search_fields = ("=code", "owner__username")
    list_select_related = ("owner", "job")
    date_hierarchy = "created_at"
    readonly_fields = ("preview",)
    fields = (
        "preview", "code", "owner", "job", "width", "height", "size", "mime", "hints", "fits",
        "favourite", "created_at", "deleted_at",
    )  # fmt: skip

    def kind(self, photo: Photo) -> str:
        return "result" if photo.job_id else "upload"

    def preview(self, photo: Photo) -> str:
        """The tiny placeholder: enough to recognise, too little to look at somebody's photo."""
        return format_html('<img src="{}" width="96" alt="">', photo.placeholder)


@admin.register(Prompt)
class PromptAdmin(admin.ModelAdmin):
    list_display = ("zone", "updated_at", "updated_by")
    list_select_related = ("updated_by",)
    fields = ("zone", "text", "updated_at", "updated_by")
    readonly_fields = ("zone", "updated_at", "updated_by")
    actions = ("reset",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Prompt | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Prompt, form: object, change: bool) -> None:
        obj.updated_by = request.user
        obj.save()

    @admin.action(description="Reset to the default", permissions=["change"])
    def reset(self, request: HttpRequest, rows: QuerySet[Prompt]) -> None:
        for row in rows:
            row.text, row.updated_by = prompts.DEFAULTS[row.zone], request.user
            row.save()


@admin.register(Input)
class InputAdmin(Watched):
    list_display = ("job", "role", "photo", "number")
    list_filter = ("role",)
    search_fields = ("=job__code", "=photo__code")
    list_select_related = ("job", "photo")


@admin.register(Draft)
class DraftAdmin(Watched):
    list_display = ("owner", "zone", "updated_at")
    list_select_related = ("owner",)


@admin.register(Heartbeat)
class HeartbeatAdmin(Watched):
    list_display = ("name", "slots", "beat_at")


class RouteInline(admin.TabularInline):
    model = Route
    extra = 1


@admin.register(ProviderSetting)
class ProviderSettingAdmin(admin.ModelAdmin):
    """Switched off here, a provider gets no new order in any process."""

    list_display = ("name", "enabled", "concurrency", "per_minute", "picture_cost")
    list_editable = ("enabled", "concurrency", "per_minute", "picture_cost")
    inlines = (RouteInline,)
    readonly_fields = ("resting",)

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
