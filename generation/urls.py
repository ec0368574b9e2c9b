"""Addresses of pictures: pages at the top, the API below `/api/v1/`."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from generation import api, chat_api, errand_api, hooks, reshaping_api, views

router = SimpleRouter(use_regex_path=False)
router.register("photos", api.PhotoViewSet)
router.register("jobs", api.JobViewSet)

urlpatterns = [
    path("", views.home, name="home"),
    path("try-on/", views.tryon, name="tryon"),
    path("edit/", views.edit, name="edit"),
    path("imagine/", views.imagine, name="imagine"),
    path("jobs/<uuid:code>/", views.job, name="job"),
    path("gallery/", views.gallery, name="gallery"),
    path("pictures/<uuid:code>/", views.picture, name="picture"),
    path("pictures/<uuid:code>/reshape/", views.reshape, name="reshape"),
    path("hooks/<slug:provider>/<uuid:code>/<str:token>/", hooks.hook, name="hook"),
    path(
        "api/v1/photos/<uuid:code>/<slug:variant>/<int:expires>/<str:token>",
        api.photo_file,
        name="photo_file",
    ),
    path("api/v1/photos/<uuid:code>/reshape/", reshaping_api.reshaped, name="photo_reshape"),
    path("api/v1/photos/<uuid:code>/card/", reshaping_api.card, name="photo_card"),
    path("api/v1/quote/", api.quote, name="quote"),
    path("api/v1/draft/", api.draft, name="draft"),
    path("api/v1/chats/<uuid:code>/", chat_api.chat, name="chat"),
    path("api/v1/errands/", errand_api.keep, name="errands"),
    path("api/v1/errands/<uuid:code>/", errand_api.show, name="errand"),
    path("api/v1/errands/<uuid:code>/run/", errand_api.run, name="errand_run"),
    path("api/v1/", include(router.urls)),
]
