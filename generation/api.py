"""The write door for pictures: `/api/v1/photos/`, `/api/v1/jobs/` and what belongs to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_view,
)
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action, api_view, throttle_classes
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from billing import ledger
from billing.api import IDEMPOTENCY_KEY, client_key
from billing.catalogue import price_of
from generation import fitting, photos, studio
from generation.asking import ASKING, AssistantRequest, EditRequest, ImagineRequest, TryOnRequest
from generation.models import Draft, Job, Photo, State, Tool, Zone
from generation.problems import refused, sentence
from generation.serializers import JobSerializer, PhotoSerializer, PriceSerializer, job_json
from generation.showing import answer_with

UPLOAD_OVERHEAD_BYTES = 64 * 1024


class UploadSerializer(serializers.Serializer):
    file = serializers.FileField(allow_empty_file=True)


class FavouriteSerializer(serializers.Serializer):
    favourite = serializers.BooleanField()


class ZoneQuery(serializers.Serializer):
    zone = serializers.ChoiceField(Zone.choices, default=Zone.BODY)


class FitSerializer(serializers.Serializer):
    box = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, min_length=4, max_length=4
    )
    reason = serializers.CharField(help_text="empty, or a code")
    message = serializers.CharField()


class PhotoFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(
        choices=[("upload", "upload"), ("result", "result")], method="of_kind"
    )
    tool = django_filters.ChoiceFilter(field_name="job__tool", choices=Tool.for_pictures())
    favourite = django_filters.BooleanFilter()

    def of_kind(self, queryset: QuerySet[Photo], _name: str, value: str) -> QuerySet[Photo]:
        return queryset.sent() if value == "upload" else queryset.made()


class PhotoViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Photos that the person sent, and pictures made for them."""

    serializer_class = PhotoSerializer
    queryset = Photo.objects.none()
    filterset_class = PhotoFilter
    lookup_field = "code"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Photo]:
        mine = Photo.objects.filter(owner=self.request.user.pk, deleted_at=None)
        return mine.select_related("job", "parent")

    @extend_schema(
        request={"multipart/form-data": UploadSerializer}, responses={201: PhotoSerializer}
    )
    def create(self, request: Request) -> Response:
        """Send a photo: JPEG, PNG, WebP or HEIC, 10 MB and 40 megapixels at most."""
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length > settings.PHOTO_MAX_BYTES + UPLOAD_OVERHEAD_BYTES:
            raise refused("photo_too_large", status=413)
        form = UploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        photo = photos.ingest(request.user.pk, form.validated_data["file"].read())
        return Response(self.get_serializer(photo).data, status=status.HTTP_201_CREATED)

    def get_parsers(self) -> list[Any]:
        if self.action_map.get(self.request.method.lower()) == "create" if self.request else False:
            return [MultiPartParser()]
        return super().get_parsers()

    @extend_schema(request=FavouriteSerializer)
    def partial_update(self, request: Request, code: UUID) -> Response:
        """Keep for good as a favourite, or not. Only pictures that were made here."""
        form = FavouriteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        photo = self.get_object()
        change = photos.favour if form.validated_data["favourite"] else photos.unfavour
        change(photo)
        return Response(self.get_serializer(photo).data)

    def destroy(self, request: Request, code: UUID) -> Response:
        """Delete the picture for good."""
        photos.forget(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(parameters=[ZoneQuery], responses=FitSerializer, filters=False)
    @action(detail=True, pagination_class=None)
    def fit(self, request: Request, code: UUID) -> Response:
        """Where an item of the zone would go on this person, or why you must say it with a box."""
        query = ZoneQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        found = fitting.fit(self.get_object(), query.validated_data["zone"])
        message = str(sentence(found.reason)) if found.reason else ""
        return Response({"box": found.box, "reason": found.reason, "message": message})


@extend_schema(
    operation_id="photo_file",
    parameters=[OpenApiParameter("download", OpenApiTypes.BOOL, description="save as a file")],
    responses={(200, "image/*"): OpenApiTypes.BINARY},
)
@api_view(["GET"])
@throttle_classes([])  # a gallery asks for sixty at once, and each link was handed out by us
def photo_file(
    request: Request, code: UUID, variant: str, expires: int, token: str
) -> HttpResponseBase:
    """The picture itself: for its owner alone, by a link that we made in the last 10 minutes."""
    photo = get_object_or_404(Photo, code=code, owner=request.user.pk, deleted_at=None)
    if not photos.link_is_good(code, variant, expires, token):
        raise refused("link_expired", status=403)
    name = getattr(photo, variant)
    response = answer_with(name)
    response["Content-Disposition"] = content_disposition_header(
        "download" in request.query_params, f"{photo.code}.{name.rsplit('.', 1)[1]}"
    )
    response["Cache-Control"] = "private, max-age=600, immutable"
    return response


class JobFilter(django_filters.FilterSet):
    tool = django_filters.MultipleChoiceFilter(choices=Tool.choices)
    state = django_filters.MultipleChoiceFilter(choices=State.choices)


ANY_REQUEST = PolymorphicProxySerializer(
    component_name="JobRequest",
    serializers={
        Tool.TRYON.value: TryOnRequest,
        Tool.EDIT.value: EditRequest,
        Tool.IMAGINE.value: ImagineRequest,
        Tool.ASSISTANT.value: AssistantRequest,
    },
    resource_type_field_name="tool",
)


class ToolSerializer(serializers.Serializer):
    tool = serializers.ChoiceField(Tool.choices)


class JobViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Jobs of the person who asks: made, watched, cancelled, tried again."""

    serializer_class = JobSerializer
    queryset = Job.objects.none()
    filterset_class = JobFilter
    lookup_field = "code"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Job]:
        mine = Job.objects.filter(owner=self.request.user.pk)
        return mine.prefetch_related("results", "inputs__photo")

    @extend_schema(
        request=ANY_REQUEST, parameters=[IDEMPOTENCY_KEY], responses={201: JobSerializer}
    )
    def create(self, request: Request) -> Response:
        """Ask for a picture. It is charged once, and given back by itself if no picture comes."""
        head = ToolSerializer(data=request.data)
        head.is_valid(raise_exception=True)
        form = ASKING[head.validated_data["tool"]](data=request.data)
        form.is_valid(raise_exception=True)
        job = form.ask(request.user.pk, key=_key(request))
        return self._answer(job, status.HTTP_201_CREATED)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, code: UUID) -> Response:
        """Stop a job that has no picture yet. Everything charged goes back."""
        job = self.get_object()
        studio.cancel(job)
        return self._answer(job)

    @extend_schema(request=None, parameters=[IDEMPOTENCY_KEY], responses={201: JobSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, code: UUID) -> Response:
        """Ask for the same again after a failure, as a new job. Pressed twice, it is one."""
        job = studio.retry(self.get_object(), key=_key(request))
        return self._answer(job, status.HTTP_201_CREATED)

    def _answer(self, job: Job, code: int = status.HTTP_200_OK) -> Response:
        return Response(job_json(job), status=code)


def _key(request: Request) -> str | None:
    """The client's own key, apart from the keys that we make for jobs of the pages."""
    key = client_key(request)
    return None if key is None else f"client:{key}"


class QuoteQuery(serializers.Serializer):
    tool = serializers.ChoiceField(Tool.choices)
    count = serializers.IntegerField(min_value=1, max_value=4, default=1)


class QuoteSerializer(PriceSerializer):
    watermark = serializers.BooleanField()
    missing = serializers.IntegerField(help_text="credits; 0 when the person can pay")


@extend_schema(parameters=[QuoteQuery], responses=QuoteSerializer)
@api_view(["GET"])
def quote(request: Request) -> Response:
    """What a tool would cost this person now, and out of what."""
    query = QuoteQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    wanted = query.validated_data
    have = ledger.balance(request.user.pk)
    bill = ledger.quote(price_of(wanted["tool"]), have, wanted["count"])
    answer = {"unit": bill.unit, "amount": bill.amount, "missing": bill.missing}
    return Response(answer | {"watermark": bill.watermark})


class DraftSerializer(serializers.Serializer):
    """A try-on that was begun. ``null`` takes a photo out again."""

    person = serializers.UUIDField(source="person.code", allow_null=True, required=False)
    item = serializers.UUIDField(source="item.code", allow_null=True, required=False)
    zone = serializers.ChoiceField(Zone.choices, allow_blank=True, required=False)


@extend_schema_view(
    get=extend_schema(responses=DraftSerializer),
    patch=extend_schema(request=DraftSerializer, responses=DraftSerializer),
    delete=extend_schema(responses={204: None}),
)
@api_view(["GET", "PATCH", "DELETE"])
def draft(request: Request) -> Response:
    """The try-on that the person began and has not sent yet."""
    user_id = request.user.pk
    if request.method == "DELETE":
        Draft.objects.filter(owner=user_id).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
    if request.method == "PATCH":
        form = DraftSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        _keep_draft(user_id, form.validated_data)
    found = Draft.objects.select_related("person", "item").filter(owner=user_id).first()
    return Response(DraftSerializer(found or Draft()).data)


def _keep_draft(user_id: int, wanted: dict[str, Any]) -> None:
    changes: dict[str, Any] = {"zone": wanted["zone"]} if "zone" in wanted else {}
    for role in ("person", "item"):
        if role in wanted:
            code = wanted[role]["code"]
            changes[role] = photos.of(user_id, [code])[0] if code else None
    Draft.objects.update_or_create(owner_id=user_id, defaults=changes)
