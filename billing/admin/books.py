"""Accounts, lots, entries, and the proof that they add up."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from billing import ledger
from billing.admin.rows import ReadOnly
from billing.models import Account, Audit, Entry, Kind, Lot
from billing.problem import Problem

MOST_AT_ONCE = 100_000


class CreditsForm(forms.Form):
    """The key is made with the form: sent twice, it is one grant."""

    act = forms.ChoiceField(
        label=_("What"), choices=[("grant", _("Give credits")), ("withdrawal", _("Take credits"))]
    )
    units = forms.IntegerField(label=_("Credits"), min_value=1, max_value=MOST_AT_ONCE)
    reason = forms.CharField(label=_("Why"), max_length=200)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def carry_out(self, account: Account) -> None:
        act, units = self.cleaned_data["act"], self.cleaned_data["units"]
        key = f"staff:{self.cleaned_data['key']}:{act}"
        if act == "grant":
            ledger.grant(account, Kind.CREDIT, units, key=key, source=act)
        else:
            ledger.withdraw(account, units, key=key, reason=act)


class LotInline(admin.TabularInline):
    model = Lot
    fields = readonly_fields = (
        "kind", "remaining", "granted", "source", "created_at", "expires_at",
    )  # fmt: skip
    can_delete = False
    extra = max_num = 0


@admin.register(Account)
class AccountAdmin(ReadOnly):
    list_display = ("user", "invite_code", "created_at")
    search_fields = ("user__username", "=user__telegram_id", "=invite_code")
    list_select_related = ("user",)
    inlines = (LotInline,)
    change_form_template = "admin/billing/account.html"

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.credits)
        return [
            path("<int:pk>/credits/", page, name="billing_account_credits"),
            *super().get_urls(),
        ]

    def credits(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give or take credits, with a reason that stays in the history of the account."""
        if not self.may_change(request):
            raise PermissionDenied
        account = get_object_or_404(Account.objects.select_related("user"), pk=pk)
        form = CreditsForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and self._done(request, account, form):
            return redirect("admin:billing_account_change", pk)
        title = _("Credits of %(name)s") % {"name": account.user}
        have = ledger.balance(account.user_id)
        return self.ask(request, form, title=title, note=_has(have), button=_("Do it"))

    def _done(self, request: HttpRequest, account: Account, form: CreditsForm) -> bool:
        try:
            form.carry_out(account)
        except Problem as problem:
            form.add_error("units", str(problem.message))
            return False
        asked = form.cleaned_data
        self.log_change(request, account, f"{asked['act']} {asked['units']}: {asked['reason']}")
        messages.success(request, _("Done."))
        return True


def _has(have: ledger.Balance) -> str:
    return _("Has %(credits)s credits, %(plan)s actions of a plan and %(free)s free ones.") % {
        "credits": have.credit, "plan": have.plan, "free": have.free,
    }  # fmt: skip


@admin.register(Lot)
class LotAdmin(ReadOnly):
    list_display = ("account", "kind", "remaining", "granted", "source", "created_at", "expires_at")
    list_filter = ("kind", "source")
    search_fields = ("key", "account__user__username")
    list_select_related = ("account__user",)
    date_hierarchy = "created_at"


@admin.register(Entry)
class EntryAdmin(ReadOnly):
    list_display = ("created_at", "delta", "kind", "reason", "key", "person")
    list_filter = ("reason", "lot__kind")
    search_fields = ("key", "lot__account__user__username")
    list_select_related = ("lot__account__user",)
    date_hierarchy = "created_at"

    @admin.display(ordering="lot__kind")
    def kind(self, entry: Entry) -> str:
        return entry.lot.get_kind_display()

    @admin.display(ordering="lot__account__user__username")
    def person(self, entry: Entry) -> str:
        return str(entry.lot.account.user)


@admin.register(Audit)
class AuditAdmin(ReadOnly):
    """Looks through all the books, and their comparison with the gateways' lists."""

    list_display = ("started_at", "sort", "balances", "number", "looked_at", "ended_at")
    list_filter = ("sort",)
    date_hierarchy = "started_at"

    @admin.display(boolean=True)
    def balances(self, audit: Audit) -> bool:
        return not audit.findings

    @admin.display(description="findings")
    def number(self, audit: Audit) -> int:
        return len(audit.findings)
