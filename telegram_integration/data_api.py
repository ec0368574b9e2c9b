"""`/api/v1/me/…`: a person's data, taken away or erased. Only for somebody at the pages: an API key
that leaked must not be able to do either."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import logout
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import api_view, authentication_classes, throttle_classes
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle

from billing.problem import Problem
from telegram_integration import erasing, export
from telegram_integration.api_keys import SignedInSession


class ArchiveRate(UserRateThrottle):
    scope, rate = "archive", "10/hour"


@extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
@api_view(["GET"])
@authentication_classes([SignedInSession])
@throttle_classes([ArchiveRate])
def archive(request: Request) -> HttpResponseBase:
    """Everything as one ZIP: pictures, prompts, talks, payments and the history of credits."""
    file = export.archive(request.user)
    name = f"studio-{timezone.now():%Y-%m-%d}.zip"
    if not isinstance(request._request, ASGIRequest):
        return FileResponse(file, as_attachment=True, filename=name)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(
        export.pieces(file), content_type="application/zip", headers=headers
    )


@extend_schema(request=None, responses={204: None})
@api_view(["POST"])
@authentication_classes([SignedInSession])
def erase(request: Request) -> Any:
    """Erase everything that is the person's, at once. The books stay, under no name."""
    if request.user.is_staff:
        message = _("Staff cannot erase themselves here. Ask another member of staff.")
        raise Problem("staff_stay", message, status=409)
    erasing.erase(request.user)
    logout(request._request)
    return Response(status=status.HTTP_204_NO_CONTENT)
