"""One bare view that inserts one row."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, JsonResponse
from django.urls import path

from generation.models import Heartbeat


def insert(request: HttpRequest) -> JsonResponse:
    row = Heartbeat.objects.create(name=f"bench:{uuid.uuid4()}")
    answer = JsonResponse({"id": row.pk}, status=201)
    answer["Content-Length"] = len(answer.content)
    return answer


urlpatterns = [path("insert/", insert)]
