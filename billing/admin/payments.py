"""Payments, refunds, what gateways told, and plans."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from billing import payments
from billing.admin.rows import ReadOnly
from billing.models import (
    Notice,
    Notification,
    Payment,
    Refund,
    SandboxPayment,
    StandingOrder,
    Subscription,
)
from billing.problem import Problem

MOST_AT_ONCE = 50


class RefundForm(forms.Form):
    """``seen`` is what had been given back when the form was made; ``code`` is made with it: sent
    twice, it is one refund."""

    amount = forms.DecimalField(
        label=_("Amount"), max_digits=9, decimal_places=2, min_value=Decimal("0.01")
    )
    reason = forms.CharField(label=_("Why"), max_length=200)
    seen = forms.DecimalField(widget=forms.HiddenInput)
    code = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class RefundInline(admin.TabularInline):
    model = Refund
    fields = readonly_fields = (
        "created_at", "amount", "units", "status", "reason", "author", "trouble",
    )  # fmt: skip
    can_delete = False
    extra = max_num = 0


@admin.register(Payment)
class PaymentAdmin(ReadOnly):
    list_display = (
        "created_at", "person", "name", "amount", "currency", "status", "gateway", "refunded",
        "purpose", "trouble",
    )  # fmt: skip
    list_filter = (
        "status", "gateway", "purpose", "currency", "test", "product",
        ("trouble", admin.EmptyFieldListFilter),
    )  # fmt: skip
    search_fields = (
        "=code", "=gateway_id", "account__user__username", "=account__user__telegram_id", "contact",
    )  # fmt: skip
    list_select_related = ("account__user",)
    date_hierarchy = "created_at"
    inlines = (RefundInline,)
    actions = ("look",)
    change_form_template = "admin/billing/payment.html"

    @admin.display(ordering="account__user__username")
    def person(self, payment: Payment) -> str:
        return str(payment.account.user)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.refund)
        return [path("<int:pk>/refund/", page, name="billing_payment_refund"), *super().get_urls()]

    def has_look_permission(self, request: HttpRequest) -> bool:
        return self.may_change(request)

    @admin.action(description=_("Ask the gateway now"), permissions=["look"])
    def look(self, request: HttpRequest, chosen: QuerySet[Payment]) -> None:
        for payment in chosen.filter(status__in=Payment.OPEN)[:MOST_AT_ONCE]:
            looked_at = payments.settle(payment)
            messages.info(request, f"{looked_at}: {looked_at.trouble or looked_at.status}")

    def refund(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give money back, all or a part; what is left of the purchase goes with it."""
        if not self.may_change(request):
            raise PermissionDenied
        payment = get_object_or_404(Payment.objects.select_related("account__user", "lot"), pk=pk)
        left = payment.amount - payment.refunded
        form = RefundForm(request.POST or None, initial={"amount": left, "seen": payment.refunded})
        if request.method == "POST" and form.is_valid() and self._refunded(request, payment, form):
            return redirect("admin:billing_payment_change", pk)
        title = _("Give money back: %(payment)s") % {"payment": payment}
        return self.ask(request, form, title=title, note=_left(payment), button=_("Give it back"))

    def _refunded(self, request: HttpRequest, payment: Payment, form: RefundForm) -> bool:
        asked = form.cleaned_data
        once = {"code": asked["code"], "seen": asked["seen"]}
        try:
            row = payments.refund(payment, asked["amount"], asked["reason"], request.user, **once)
        except Problem as problem:
            form.add_error("amount", str(problem.message))
            return False
        self.log_change(request, payment, f"refund {row.amount}: {row.reason}")
        said = _("%(amount)s: %(status)s.")
        status = {"amount": row.amount, "status": row.get_status_display()}
        messages.success(request, said % status)
        return True


def _left(payment: Payment) -> str:
    if payment.lot is None:
        return _("It was not paid.")
    said = _("%(left)s of %(granted)s units of this purchase are left, and go with it.")
    return said % {"left": payment.lot.remaining, "granted": payment.lot.granted}


@admin.register(Refund)
class RefundAdmin(ReadOnly):
    list_display = (
        "created_at", "payment", "amount", "units", "status", "reason", "author", "trouble",
    )  # fmt: skip
    list_filter = ("status", "payment__gateway", ("trouble", admin.EmptyFieldListFilter))
    search_fields = ("=code", "=gateway_id", "=payment__code", "payment__account__user__username")
    list_select_related = ("payment", "author")
    date_hierarchy = "created_at"


@admin.register(Notification)
class NotificationAdmin(ReadOnly):
    list_display = (
        "received_at", "gateway", "event", "object_id", "source", "outcome", "tries", "done_at",
    )  # fmt: skip
    list_filter = ("gateway", "event", "outcome", ("done_at", admin.EmptyFieldListFilter))
    search_fields = ("=object_id",)
    date_hierarchy = "received_at"


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnly):
    list_display = (
        "account", "product", "gateway", "renews", "ends_at", "charge_at", "tries", "cancelled_at",
    )  # fmt: skip
    list_filter = ("renews", "gateway", "product")
    search_fields = ("account__user__username", "=account__user__telegram_id")
    list_select_related = ("account", "product")
    date_hierarchy = "ends_at"


@admin.register(StandingOrder)
class StandingOrderAdmin(ReadOnly):
    list_display = (
        "created_at", "account", "gateway", "method", "wanted", "known", "tell_at", "trouble",
    )  # fmt: skip
    list_filter = ("gateway", "wanted", "known", ("trouble", admin.EmptyFieldListFilter))
    search_fields = ("=method", "account__user__username", "=account__user__telegram_id")
    list_select_related = ("account",)


@admin.register(Notice)
class NoticeAdmin(ReadOnly):
    list_display = ("created_at", "account", "sort", "told_at", "closed_at")
    list_filter = ("sort", ("closed_at", admin.EmptyFieldListFilter))
    search_fields = ("account__user__username", "=account__user__telegram_id")
    list_select_related = ("account",)
    date_hierarchy = "created_at"


@admin.register(SandboxPayment)
class SandboxPaymentAdmin(ReadOnly):
    list_display = ("created_at", "order", "description", "amount", "paid", "status", "due_at")
    list_filter = ("status",)
    search_fields = ("=order", "=gateway_id")
