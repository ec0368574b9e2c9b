"""Cookies that work in Telegram's frame.

Browsers drop third-party cookies unless they are partitioned, and Python 3.11 does not know the
attribute yet.
"""

from __future__ import annotations

from collections.abc import Callable
from http import cookies

from django.conf import settings
from django.http import HttpRequest, HttpResponse

cookies.Morsel._reserved.setdefault("partitioned", "Partitioned")  # type: ignore[attr-defined]
cookies.Morsel._flags.add("partitioned")  # type: ignore[attr-defined]


def partitioned(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: over https every cookie that may cross sites is kept apart by the site above."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if settings.HTTPS:
            for morsel in response.cookies.values():
                if morsel["samesite"] == "None":
                    morsel["partitioned"] = True
        return response

    return middleware
