"""Addresses of pictures: pages at the top, the API below `/api/v1/`."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from generation import api, views

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
    path(
        "api/v1/photos/<uuid:code>/<slug:variant>/<int:expires>/<str:token>",
        api.photo_file,
        name="photo_file",
    ),
    path("api/v1/quote/", api.quote, name="quote"),
    path("api/v1/draft/", api.draft, name="draft"),
    path("api/v1/", include(router.urls)),
]
