"""Who you are, for pages and clients: sign in and out, your language, your API keys; and pictures
handed over to Telegram."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import login, logout
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import api_view
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import ledger
from billing.api import IDEMPOTENCY_KEY, client_key
from billing.problem import Problem
from generation import live, photos
from generation.models import Photo
from telegram_integration import hand_over, people
from telegram_integration.models import ApiKey, User

BACKEND = "django.contrib.auth.backends.ModelBackend"
MAX_KEYS = 20


class InitDataSerializer(serializers.Serializer):
    init_data = serializers.CharField(
        max_length=8192, trim_whitespace=False, help_text="Telegram.WebApp.initData as it is"
    )


class BalanceSerializer(serializers.Serializer):
    """Whole units that can be spent now."""

    plan = serializers.IntegerField()
    credit = serializers.IntegerField()
    free = serializers.IntegerField()


class MeSerializer(serializers.Serializer):
    name = serializers.CharField(source="__str__", read_only=True)
    language = serializers.ChoiceField(settings.LANGUAGES)
    guest = serializers.BooleanField(read_only=True)
    balance = serializers.SerializerMethodField()

    @extend_schema_field(BalanceSerializer)
    def get_balance(self, user: User) -> Any:
        return BalanceSerializer(ledger.balance(user.pk)).data


class SessionView(APIView):
    """Opening the studio from Telegram, and leaving it."""

    def get_permissions(self) -> list[Any]:
        return [AllowAny()] if self.request.method == "POST" else super().get_permissions()

    @extend_schema(request=InitDataSerializer, responses=MeSerializer, auth=[])
    def post(self, request: Request) -> Response:
        """Sign in with Telegram's init data: at most 24 hours old, each string once."""
        form = InitDataSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        raw, user = form.validated_data["init_data"], request.user
        if not (isinstance(user, User) and people.is_of(user, raw)):
            user = people.from_telegram(raw, request.session.pop("invite", ""))
            login(request._request, user, backend=BACKEND)
        return speak(Response(MeSerializer(user).data), user)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Sign out. Sockets of the session close."""
        user_id = request.user.pk
        logout(request._request)
        live.end_session(user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(APIView):
    """The person who asks."""

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(request.user).data)

    @extend_schema(request=MeSerializer, responses=MeSerializer)
    def patch(self, request: Request) -> Response:
        """Choose the language: `ru` or `en`."""
        form = MeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        request.user.language = form.validated_data["language"]
        request.user.save(update_fields=["language"])
        return speak(Response(MeSerializer(request.user).data), request.user)


class ApiKeySerializer(serializers.ModelSerializer):
    key = serializers.CharField(read_only=True, required=False, help_text="only when just made")

    class Meta:
        model = ApiKey
        fields = ("code", "name", "start", "created_at", "last_used_at", "key")
        read_only_fields = ("code", "start", "created_at", "last_used_at")


class ApiKeyViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Keys of the person for REST clients."""

    serializer_class = ApiKeySerializer
    queryset = ApiKey.objects.none()
    filterset_class = None
    lookup_field = "code"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[ApiKey]:
        return ApiKey.objects.filter(user=self.request.user.pk, revoked_at=None)

    @extend_schema(responses={201: ApiKeySerializer})
    def create(self, request: Request) -> Response:
        """Make a key. Its text is in this answer and nowhere else."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        if self.get_queryset().count() >= MAX_KEYS:
            message = _("You have many keys already. Revoke one first.")
            raise Problem("too_many_keys", message, status=409)
        row, text = ApiKey.make(request.user, form.validated_data["name"])
        answer = self.get_serializer(row).data | {"key": text}
        return Response(answer, status=status.HTTP_201_CREATED)

    def destroy(self, request: Request, code: UUID) -> Response:
        """Revoke a key, at once and for good."""
        self.get_object().revoke()
        live.end_session(request.user.pk)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PreparedSerializer(serializers.Serializer):
    id = serializers.CharField(help_text="for Telegram.WebApp.shareMessage")


class StorySerializer(serializers.Serializer):
    url = serializers.CharField(help_text="for Telegram.WebApp.shareToStory, for 10 minutes")


@extend_schema(request=None, parameters=[IDEMPOTENCY_KEY], responses={204: None})
@api_view(["POST"])
def send_to_chat(request: Request, code: UUID) -> Response:
    """Send the picture to the person's chat with the bot."""
    hand_over.send(request.user, _picture(request, code), key=client_key(request))
    return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(request=None, responses=PreparedSerializer)
@api_view(["POST"])
def share(request: Request, code: UUID) -> Response:
    """Prepare a message with the picture, for the Mini App to offer. It must be in the chat."""
    return Response({"id": hand_over.share(request.user, _picture(request, code))})


@extend_schema(request=None, responses=StorySerializer)
@api_view(["POST"])
def story(request: Request, code: UUID) -> Response:
    """A link of the picture for the story editor. Whoever has it sees the picture meanwhile."""
    return Response({"url": hand_over.story_link(_picture(request, code))})


def _picture(request: Request, code: UUID) -> Photo:
    (photo,) = photos.of(request.user.pk, [code])
    return photo


def speak(response: Any, user: User) -> Any:
    """Pages follow the language cookie; it follows the person."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        user.language,
        max_age=settings.SESSION_COOKIE_AGE,
        samesite=settings.LANGUAGE_COOKIE_SAMESITE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
    )
    return response
