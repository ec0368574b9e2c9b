"""`/api/v1/errands/`: a request that waits for money, and what became of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from generation import errands
from generation.api import ANY_REQUEST, ToolSerializer
from generation.asking import ASKING
from generation.models import Errand
from generation.problems import sentence


class ErrandSerializer(serializers.ModelSerializer):
    job = serializers.SlugRelatedField("code", read_only=True, allow_null=True)
    error = serializers.SerializerMethodField()

    class Meta:
        model = Errand
        fields = ("code", "job", "error", "created_at", "ended_at")
        read_only_fields = fields

    def get_error(self, errand: Errand) -> dict[str, str] | None:
        if not errand.error_code:
            return None
        return {"code": errand.error_code, "message": str(sentence(errand.error_code))}


@extend_schema(request=ANY_REQUEST, responses={201: ErrandSerializer})
@api_view(["POST"])
def keep(request: Request) -> Response:
    """Keep a request for a job until it is paid: name the errand in the payment."""
    head = ToolSerializer(data=request.data)
    head.is_valid(raise_exception=True)
    form = ASKING[head.validated_data["tool"]](data=request.data)
    form.is_valid(raise_exception=True)
    known = {name: value for name, value in request.data.items() if name in form.fields}
    errand = errands.keep(request.user.pk, _plain(known))
    return Response(ErrandSerializer(errand).data, status=status.HTTP_201_CREATED)


@extend_schema(responses=ErrandSerializer)
@api_view(["GET"])
def show(request: Request, code: UUID) -> Response:
    """Whether it has run, and as which job."""
    return Response(ErrandSerializer(_mine(request, code)).data)


@extend_schema(request=None, responses=ErrandSerializer)
@api_view(["POST"])
def run(request: Request, code: UUID) -> Response:
    """Run it now, when the money came in another way: a gift, a promo code."""
    return Response(ErrandSerializer(errands.run(_mine(request, code))).data)


def _mine(request: Request, code: UUID) -> Errand:
    mine = Errand.objects.filter(owner=request.user.pk).select_related("job")
    return get_object_or_404(mine, code=code)


def _plain(request: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if value is not None}
