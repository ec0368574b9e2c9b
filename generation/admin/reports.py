"""`/admin/reports/`: what came in, what it cost and what is left, and the tax office's CSV."""

from __future__ import annotations

from datetime import timedelta as td
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from billing import reports
from billing.replica import from_replica
from billing.reports import Period
from generation.reports import board

MOST_DAYS = 366
USUAL_DAYS = 30
SORTS = {"real": (False,), "test": (True,), "both": (False, True)}
CHART_HEIGHT, BAR, STEP = 160, 8, 12


class PeriodForm(forms.Form):
    first = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"}))
    sort = forms.ChoiceField(
        label=_("Payments"),
        choices=[("real", _("real ones")), ("test", _("tests")), ("both", _("both"))],
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        first, last = given.get("first"), given.get("last")
        if first and last and not 0 <= (last - first).days < MOST_DAYS:
            raise forms.ValidationError(_("Choose a year at most, the first day first."))
        return given


@require_safe
@from_replica
def show(request: HttpRequest) -> HttpResponse:
    _check_may_look(request)
    form = _form(request)
    page = {**admin.site.each_context(request), "title": _("Reports"), "form": form}
    if form.is_valid():
        made = board(_period(form), tests=SORTS[form.cleaned_data["sort"]])
        page |= {"board": made, "chart": chart(made.days), "asked": form.data.urlencode()}
    return render(request, "admin/reports.html", page)


@require_safe
@from_replica
def tax(request: HttpRequest) -> HttpResponse:
    """Real payments in roubles only, whatever the page shows."""
    _check_may_look(request)
    form = _form(request)
    if not form.is_valid():
        return HttpResponse(form.errors.as_text(), status=400, content_type="text/plain")
    period = _period(form)
    name = f"payments-{period.first}-{period.last}.csv"
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    reports.write_csv(reports.rows(period), answer)
    return answer


def chart(days: dict[Any, reports.Sums]) -> dict[str, Any]:
    """Bars of each day, in the units of the drawing: what came in, and what is left of it."""
    top = max((float(sums.amount) for sums in days.values()), default=0) or 1.0
    scale = CHART_HEIGHT / top
    bars = [
        {"x": number * STEP, "day": day, "sums": sums,
         "amount": _bar(sums.amount, scale), "margin": _bar(sums.margin, scale)}
        for number, (day, sums) in enumerate(sorted(days.items()))
    ]  # fmt: skip
    return {"bars": bars, "width": max(len(bars) * STEP, STEP), "height": CHART_HEIGHT, "bar": BAR}


def _bar(amount: Any, scale: float) -> dict[str, float]:
    height = round(max(float(amount), 0) * scale, 1)
    return {"y": round(CHART_HEIGHT - height, 1), "height": height}


def _form(request: HttpRequest) -> PeriodForm:
    today = reports.today()
    usual = {"first": today - td(days=USUAL_DAYS - 1), "last": today, "sort": "real"}
    given = request.GET.copy()
    for name, value in usual.items():
        given.setdefault(name, str(value))
    return PeriodForm(given)


def _period(form: PeriodForm) -> Period:
    return Period(form.cleaned_data["first"], form.cleaned_data["last"])


def _check_may_look(request: HttpRequest) -> None:
    if not request.user.has_perm("billing.view_payment"):
        raise PermissionDenied
