"""How a request says who sends it: `Authorization: Bearer <key>`, or the session cookie."""

from __future__ import annotations

from datetime import timedelta as td

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from telegram_integration.models import ApiKey, User

USED_RESOLUTION = td(minutes=1)


def find_key(header: str) -> ApiKey | None:
    """The live key of an Authorization header. None: the header speaks of something else."""
    scheme, _space, text = header.partition(" ")
    if scheme.lower() != "bearer":
        return None
    return (
        ApiKey.objects.select_related("user")
        .filter(digest=ApiKey.hash(text.strip()), revoked_at=None, user__is_active=True)
        .first()
    )


class ApiKeyAuthentication(BaseAuthentication):
    """For REST clients. A key that is wrong or revoked is an error, never a fallback."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        key = find_key(header)
        if key is None:
            raise AuthenticationFailed(_("This API key is not valid."))
        _remember_use(key)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class SignedInSession(SessionAuthentication):
    """For the pages. Says 401, not 403, to somebody who is not signed in."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"


def _remember_use(key: ApiKey) -> None:
    """Once a minute is enough to see whether a key is in use."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > USED_RESOLUTION:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = SignedInSession
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
