"""Addresses about the person."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from telegram_integration import api, views

router = SimpleRouter(use_regex_path=False)
router.register("api-keys", api.ApiKeyViewSet)

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("demo/", views.demo, name="demo"),
    path("profile/", views.profile, name="profile"),
    path("api/v1/session/", api.SessionView.as_view(), name="session"),
    path("api/v1/me/", api.MeView.as_view(), name="me"),
    path("api/v1/", include(router.urls)),
]
