"""Jobs, photos and drafts."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from billing.models import Entry
from generation import ending
from generation.admin.rows import Watched
from generation.models import FINAL, Draft, Errand, Input, Job, Photo


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
    list_filter = ("mime", "favourite", ("job", admin.EmptyFieldListFilter),
                   ("parent", admin.EmptyFieldListFilter))  # fmt: skip
    search_fields = ("=code", "owner__username")
    list_select_related = ("owner", "job")
    date_hierarchy = "created_at"
    readonly_fields = ("preview",)
    fields = (
        "preview", "code", "owner", "job", "parent", "recipe", "width", "height", "size", "mime",
        "hints", "fits", "favourite", "created_at", "deleted_at",
    )  # fmt: skip

    def kind(self, photo: Photo) -> str:
        return "result" if photo.job_id else "reshaped" if photo.parent_id else "upload"

    def preview(self, photo: Photo) -> str:
        """The tiny placeholder: enough to recognise, too little to look at somebody's photo."""
        return format_html('<img src="{}" width="96" alt="">', photo.placeholder)


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


@admin.register(Errand)
class ErrandAdmin(Watched):
    list_display = ("created_at", "owner", "job", "error_code", "ended_at")
    search_fields = ("=code", "owner__username")
    list_select_related = ("owner", "job")
