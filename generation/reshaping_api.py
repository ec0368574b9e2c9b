"""The door of the free tools: rotate, crop, resize, and before and after on one card.

Neither is a job: each is done within the request, and costs nothing. The same asked of the same
picture is the same picture, so no Idempotency-Key is needed.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from generation import pairs, photos
from generation.asking import BoxField
from generation.models import Aspect, Photo
from generation.reshaping import LEAST, MOST, TURNS, Change, reshape
from generation.serializers import PhotoSerializer


class ReshapeRequest(serializers.Serializer):
    """What is done, in this order: mirror, rotate, crop, resize. At least one of them."""

    mirror = serializers.BooleanField(default=False, help_text="left becomes right")
    degrees = serializers.ChoiceField([0, *TURNS], default=0, help_text="clockwise")
    box = BoxField(required=False, help_text="what is left of it: left, top, width, height, 0 to 1")
    aspect = serializers.ChoiceField(
        Aspect.shapes(), required=False, help_text="its largest such part"
    )
    side = serializers.IntegerField(
        min_value=LEAST, max_value=MOST, required=False, help_text="pixels of the longest side"
    )
    enlarge = serializers.BooleanField(default=False, help_text="whether it may become larger")

    def validate(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if "box" in wanted and "aspect" in wanted:
            raise serializers.ValidationError({"aspect": _("Say either a frame or a shape.")})
        return wanted

    def change(self) -> Change:
        return Change(**self.validated_data)


@extend_schema(request=ReshapeRequest, responses={201: PhotoSerializer})
@api_view(["POST"])
def reshaped(request: Request, code: UUID) -> Response:
    """Rotate, crop or resize a picture: a new one, for nothing."""
    form = ReshapeRequest(data=request.data)
    form.is_valid(raise_exception=True)
    (photo,) = photos.of(request.user.pk, [code])
    return _answer(reshape(photo, form.change()))


@extend_schema(request=None, responses={201: PhotoSerializer})
@api_view(["POST"])
def card(request: Request, code: UUID) -> Response:
    """A result beside the photo that it came from, as one picture, for nothing."""
    (photo,) = photos.of(request.user.pk, [code])
    return _answer(pairs.card(photo))


def _answer(made: Photo) -> Response:
    return Response(PhotoSerializer(made).data, status=status.HTTP_201_CREATED)
