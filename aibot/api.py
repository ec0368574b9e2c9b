"""What all of the API shares: one error format, one way to page."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response

from billing.problem import Problem

logger = logging.getLogger(__name__)

SENTENCES = {
    "not_signed_in": _("Please sign in first."),
    "forbidden": _("This is not allowed."),
    "not_found": _("There is nothing here."),
    "method_not_allowed": _("This address does not do that."),
    "unsupported_media_type": _("Send JSON, or a multipart form for photos."),
    "malformed": _("The request cannot be read."),
    "body_too_large": _("The request is too large."),
    "too_many_requests": _("That was a bit fast. Wait %(seconds)s seconds and try again."),
    "invalid": _("Please check what is marked."),
    "server_error": _("Something went wrong on our side. Please try again."),
}
CODES: dict[type[Exception], str] = {
    exceptions.NotAuthenticated: "not_signed_in",
    exceptions.PermissionDenied: "forbidden",
    PermissionDenied: "forbidden",
    exceptions.NotFound: "not_found",
    Http404: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.ParseError: "malformed",
    RequestDataTooBig: "body_too_large",
}


DJANGO_STATUS = {Http404: 404, PermissionDenied: 403, RequestDataTooBig: 413}


class NewestFirst(CursorPagination):
    """Pages by cursor: a list that grows while it is read repeats and skips nothing."""

    ordering = "-created_at"
    page_size = 24
    page_size_query_param = "limit"
    max_page_size = 100


def error_body(code: str, message: object, **data: object) -> dict[str, Any]:
    """`{"error": {"code", "message", …}}`: the one shape of every refusal."""
    return {"error": {"code": code, "message": str(message), **data}}


def answer_error(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler: every known refusal in the one shape."""
    if isinstance(error, Problem):
        return Response(error_body(error.code, error.message, **error.data), status=error.status)
    if isinstance(error, exceptions.ValidationError):
        body = error_body("invalid", SENTENCES["invalid"], fields=error.detail)
        return Response(body, status=error.status_code)
    if isinstance(error, exceptions.Throttled):
        return _too_fast(error)
    if isinstance(error, exceptions.AuthenticationFailed):
        return _with_challenge(error, error_body("not_signed_in", error.detail))
    for kind, code in CODES.items():
        if isinstance(error, kind):
            return _with_challenge(error, error_body(code, SENTENCES[code]))
    logger.error("an API request broke", exc_info=error)
    return Response(error_body("server_error", SENTENCES["server_error"]), status=500)


def _with_challenge(error: Exception, body: dict[str, Any]) -> Response:
    header = getattr(error, "auth_header", None)
    code = getattr(error, "status_code", None) or DJANGO_STATUS[type(error)]
    return Response(body, status=code, headers={"WWW-Authenticate": header} if header else None)


def _too_fast(error: exceptions.Throttled) -> Response:
    seconds = int(error.wait or 1)
    message = SENTENCES["too_many_requests"] % {"seconds": seconds}
    return Response(
        error_body("too_many_requests", message),
        status=status.HTTP_429_TOO_MANY_REQUESTS,
        headers={"Retry-After": str(seconds)},
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler404, in the shape of whoever asks."""
    return _answer(request, "not_found", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500. Says nothing of what broke."""
    return _answer(request, "server_error", 500)


def _answer(request: HttpRequest, code: str, status_code: int) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(error_body(code, SENTENCES[code]), status=status_code)
    context = {"code": status_code, "message": SENTENCES[code]}
    return render(request, "error.html", context, status=status_code)
