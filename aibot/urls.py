"""All doors of the studio."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView
from drf_spectacular.views import SpectacularSwaggerSplitView as Docs

from aibot import health
from generation.admin import reports

admin.autodiscover()

urlpatterns = [
    path("", include("billing.urls")),
    path("", include("generation.urls")),
    path("", include("telegram_integration.urls")),
    path("admin/reports/", admin.site.admin_view(reports.show), name="reports"),
    path("admin/reports/tax.csv", admin.site.admin_view(reports.tax), name="reports_tax"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    # The library's own page has an inline style, which our policy refuses.
    path("api/docs/", Docs.as_view(url_name="schema", template_name="docs.html"), name="docs"),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}img/favicon.svg")),
    path("health", health.health, name="health"),
    path("api/health", health.health),
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
]

admin.site.site_header = admin.site.site_title = "AI picture studio"

handler404 = "aibot.api.not_found"
handler500 = "aibot.api.server_error"
