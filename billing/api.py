"""The write door for money: `/api/v1/payments/` and what a person can do with what they have."""

from __future__ import annotations

from uuid import UUID

from django.core.cache import cache
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from billing import history, payments
from billing.models import Entry, Payment, Product
from billing.serializers import (
    MoveSerializer,
    OrderSerializer,
    PaymentSerializer,
    ProductSerializer,
)

KEY_LIMIT = 120
LOOK_SECONDS = 3
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    location=OpenApiParameter.HEADER,
    description="Send the same key again and it is the same, made once.",
)


class ProductViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """What can be bought now."""

    serializer_class = ProductSerializer
    queryset = Product.objects.none()
    filterset_class = None
    pagination_class = None

    def get_queryset(self) -> QuerySet[Product]:
        return Product.objects.on_sale()


class PaymentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Purchases and renewals of the person who asks."""

    serializer_class = PaymentSerializer
    queryset = Payment.objects.none()
    filterset_class = None
    lookup_field = "code"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Payment]:
        mine = Payment.objects.filter(account__user=self.request.user.pk)
        return mine.select_related("product", "account").prefetch_related("refunds")

    @extend_schema(
        request=OrderSerializer, parameters=[IDEMPOTENCY_KEY], responses={201: PaymentSerializer}
    )
    def create(self, request: Request) -> Response:
        """Buy something: the answer's ``page`` is where it is paid.

        An empty ``page`` means that the gateway could not be reached yet. It is asked again by
        itself; look at the payment until the page is there.
        """
        form = OrderSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        order = dict(form.validated_data)
        product = order.pop("product")
        payment = payments.open(request.user.pk, product, key=client_key(request), **order)
        return Response(self.get_serializer(payment).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def check(self, request: Request, code: UUID) -> Response:
        """Ask the gateway now; asked again within three seconds, it is what we know."""
        payment = self.get_object()
        if payment.status in Payment.OPEN and cache.add(f"look:{code}", True, LOOK_SECONDS):
            payments.settle(payment)
            payment = self.get_object()
        return Response(self.get_serializer(payment).data)


class LedgerViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Every move of the person's credits and actions, newest first."""

    serializer_class = MoveSerializer
    queryset = Entry.objects.none()
    filterset_class = None

    def get_queryset(self) -> QuerySet[Entry]:
        return history.moves(self.request.user.pk)


def client_key(request: Request) -> str | None:
    """The client's own key for what it asks, or None."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not key.isascii() or not key.isprintable() or not 1 <= len(key) <= KEY_LIMIT:
        message = f"1 to {KEY_LIMIT} printable ASCII characters"
        raise serializers.ValidationError({"Idempotency-Key": [message]})
    return key
