"""Addresses about the person."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from telegram_integration import api, data_api, login_api, views, webhooks

router = SimpleRouter(use_regex_path=False)
router.register("api-keys", api.ApiKeyViewSet)

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("demo/", views.demo, name="demo"),
    path("telegram/<str:path>/", webhooks.webhook, name="telegram_webhook"),
    path("help/", views.about, {"about": "help"}, name="help"),
    path("terms/", views.about, {"about": "terms"}, name="terms"),
    path("privacy/", views.about, {"about": "privacy"}, name="privacy"),
    path("profile/", views.profile, name="profile"),
    path("api/v1/session/", api.SessionView.as_view(), name="session"),
    path("api/v1/login/", login_api.begin, name="login"),
    path("api/v1/login/<str:nonce>/", login_api.look, name="login_look"),
    path("api/v1/me/", api.MeView.as_view(), name="me"),
    path("api/v1/me/archive/", data_api.archive, name="archive"),
    path("api/v1/me/erase/", data_api.erase, name="erase"),
    path("api/v1/photos/<uuid:code>/send/", api.send_to_chat, name="photo_send"),
    path("api/v1/photos/<uuid:code>/share/", api.share, name="photo_share"),
    path("api/v1/photos/<uuid:code>/story/", api.story, name="photo_story"),
    path("stories/<uuid:code>/<int:expires>/<str:token>", views.story, name="story"),
    path("api/v1/", include(router.urls)),
]
