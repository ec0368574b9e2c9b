"""`/api/v1/login/`: a browser asks to be signed in by the bot, and waits."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth import login
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import api_view, permission_classes, throttle_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle

from billing import referrals
from telegram_integration import logins
from telegram_integration.api import BACKEND, speak

SECRET = "login_secret"  # noqa: S105 (the name under which a session keeps it)


class BeginRate(AnonRateThrottle):
    scope, rate = "login", "10/min"


class LookRate(AnonRateThrottle):
    """Every two seconds from each browser behind one address."""

    scope, rate = "login_look", "300/min"


class LoginSerializer(serializers.Serializer):
    nonce = serializers.CharField()
    link = serializers.CharField(help_text="into the chat with the bot")
    number = serializers.CharField(help_text="to be shown: the person presses it in the chat")
    seconds = serializers.IntegerField(help_text="how long it can be confirmed")


class LoginStateSerializer(serializers.Serializer):
    done = serializers.BooleanField(help_text="this browser is signed in now")


@extend_schema(request=None, responses={201: LoginSerializer}, auth=[])
@api_view(["POST"])
@permission_classes([AllowAny])
@throttle_classes([BeginRate])
def begin(request: Request) -> Response:
    """Ask to be signed in: open the link, press the number there. Only this browser profits."""
    secret = request.session.setdefault(SECRET, secrets.token_urlsafe(24))
    made = logins.begin(secret)
    seconds = int(logins.LIFE.total_seconds())
    answer = {
        "nonce": made.nonce, "link": logins.link(made), "number": logins.number(made.nonce),
        "seconds": seconds,
    }  # fmt: skip
    return Response(answer, status=status.HTTP_201_CREATED)


@extend_schema(responses=LoginStateSerializer, auth=[])
@api_view(["GET"])
@permission_classes([AllowAny])
@throttle_classes([LookRate])
def look(request: Request, nonce: str) -> Any:
    """Whether the person has said yes. If so this answer signs the browser in, once."""
    user = logins.finish(nonce, request.session.get(SECRET, ""))
    if user is None:
        return Response({"done": False})
    referrals.bind(user.pk, request.session.pop("invite", ""))
    login(request._request, user, backend=BACKEND)
    return speak(Response({"done": True}), user)
