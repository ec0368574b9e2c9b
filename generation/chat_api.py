"""`/api/v1/chats/`: what a person and the assistant said about a photo."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from generation import assistant, photos
from generation.models import Message
from generation.serializers import ProposalSerializer


class MessageSerializer(serializers.ModelSerializer):
    """One thing that was said, about which picture, and the turn that it belongs to."""

    role = serializers.ChoiceField(["person", "assistant"])
    prompts = ProposalSerializer(many=True, help_text="to choose from; a person's message has none")
    photo = serializers.SlugRelatedField("code", read_only=True)
    job = serializers.SlugRelatedField("code", read_only=True)

    class Meta:
        model = Message
        fields = ("code", "role", "text", "prompts", "photo", "free", "created_at", "job")
        read_only_fields = fields


@extend_schema(operation_id="chat", responses=MessageSerializer(many=True))
@api_view(["GET"])
def chat(request: Request, code: UUID) -> Response:
    """The last 100 messages about a photo and all that was made from it by edits, oldest first."""
    (photo,) = photos.of(request.user.pk, [code])
    return Response(MessageSerializer(assistant.conversation(photo), many=True).data)
