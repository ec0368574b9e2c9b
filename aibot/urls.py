"""All doors of the studio."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from aibot import health

urlpatterns = [
    path("", include("generation.urls")),
    path("", include("telegram_integration.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("health", health.health, name="health"),
    path("api/health", health.health),
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
]

handler404 = "aibot.api.not_found"
handler500 = "aibot.api.server_error"
