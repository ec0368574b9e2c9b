"""What providers and the assistant are told: one line a name, the newest version counts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from generation import preview, prompts
from generation.admin.rows import Watched
from generation.models import PROMPT_LIMIT, Prompt, Zone

MOST_VERSIONS = 50


class Words(forms.CharField):
    """Browsers send every line break as two characters; it counts as one."""

    def to_python(self, value: Any) -> str:
        return super().to_python(value).replace("\r\n", "\n")


class PromptForm(forms.Form):
    text = Words(
        label=gettext_lazy("Text"),
        max_length=PROMPT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 14, "class": "vLargeTextField"}),
    )


@admin.register(Prompt)
class PromptAdmin(Watched):
    """A version never changes; to write another one takes the permission to change."""

    list_display = ("name", "number", "author", "created_at")
    list_select_related = ("author",)

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "edit": ("<slug:name>/edit/", self.edit),
            "reset": ("<slug:name>/reset/", require_POST(self.reset)),
            "restore": ("<slug:name>/restore/<int:number>/", require_POST(self.restore)),
        }
        own = [
            path(route, self.admin_site.admin_view(view), name=f"generation_prompt_{act}")
            for act, (route, view) in pages.items()
        ]
        return own + super().get_urls()

    def may_write(self, request: HttpRequest) -> bool:
        return request.user.has_perm("generation.change_prompt")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Seven names, not a list of versions."""
        self._check_may_look(request)
        newest = prompts.newest()
        lines = [(name, title_of(name), newest.get(name)) for name in prompts.DEFAULTS]
        return self._page(request, "change_list", title=_("Prompts"), lines=lines)

    def edit(self, request: HttpRequest, name: str) -> HttpResponse:
        """The words that count now, a preview of what was typed, and the versions before."""
        self._check_may_look(request)
        number, text = prompts.current(known(name))
        form = PromptForm(request.POST or None, initial={"text": text})
        shown = text
        if request.method == "POST" and form.is_valid():
            shown = form.cleaned_data["text"]
            if "_preview" not in request.POST:
                self._check_may_write(request)
                version = prompts.write(name, shown, author_id=request.user.pk)
                return self._written(request, version)
        return self._page(
            request, "edit", title=title_of(name), name=name, number=number, form=form,
            parts=preview.parts(preview.sample(name, shown)), may_write=self.may_write(request),
            versions=Prompt.objects.filter(name=name).select_related("author")[:MOST_VERSIONS],
        )  # fmt: skip

    def reset(self, request: HttpRequest, name: str) -> HttpResponse:
        self._check_may_write(request)
        return self._written(request, prompts.reset(known(name), author_id=request.user.pk))

    def restore(self, request: HttpRequest, name: str, number: int) -> HttpResponse:
        """An older version's words, as a new version."""
        self._check_may_write(request)
        old = get_object_or_404(Prompt, name=known(name), number=number)
        version = prompts.write(name, old.text, author_id=request.user.pk)
        return self._written(request, version)

    def _written(self, request: HttpRequest, version: Prompt) -> HttpResponseRedirect:
        self.log_addition(request, version, [{"added": {}}])
        said = _("Version %(number)s counts from now on.") % {"number": version.number}
        messages.success(request, said)
        return redirect("admin:generation_prompt_edit", version.name)

    def _check_may_write(self, request: HttpRequest) -> None:
        if not self.may_write(request):
            raise PermissionDenied

    def _check_may_look(self, request: HttpRequest) -> None:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied

    def _page(self, request: HttpRequest, template: str, **page: Any) -> HttpResponse:
        page = {**self.admin_site.each_context(request), "opts": self.opts, **page}
        return render(request, f"admin/generation/prompt/{template}.html", page)


def known(name: str) -> str:
    if name not in prompts.DEFAULTS:
        raise Http404
    return name


def title_of(name: str) -> str:
    """A zone's name as people see it, or the assistant."""
    return str(Zone(name).label) if name in Zone.values else _("Assistant")
