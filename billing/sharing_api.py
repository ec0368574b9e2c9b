"""Plans, codes, gifts and invitations: what a person does with what they have."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action, api_view
from rest_framework.request import Request
from rest_framework.response import Response

from billing import gifts, inviting, ledger, promos, subscriptions
from billing import notices as news
from billing.api import IDEMPOTENCY_KEY, client_key
from billing.models import Gift, Product, Subscription
from billing.problems import refused
from billing.serializers import (
    CheckedSerializer,
    CheckSerializer,
    CodeSerializer,
    GiftSerializer,
    InvitesSerializer,
    NoticeSerializer,
    RedeemedSerializer,
    SubscriptionSerializer,
    TakenSerializer,
    prices_with,
)


@extend_schema(responses=SubscriptionSerializer)
@api_view(["GET"])
def subscription(request: Request) -> Response:
    """The person's plan; 404 where there never was one."""
    mine = Subscription.objects.select_related("product").filter(account__user=request.user.pk)
    if (found := mine.first()) is None:
        raise refused("subscription_none", status=404)
    return Response(SubscriptionSerializer(found).data)


@extend_schema(request=None, responses=SubscriptionSerializer)
@api_view(["POST"])
def cancel(request: Request) -> Response:
    """No further renewal. What was paid for runs to its end."""
    account = ledger.open_account(request.user.pk)
    changed = subscriptions.cancel(account)
    return Response(SubscriptionSerializer(changed).data)


@extend_schema(request=None, responses=SubscriptionSerializer)
@api_view(["POST"])
def resume(request: Request) -> Response:
    """Renew again, while the plan runs and its saved method is there."""
    account = ledger.open_account(request.user.pk)
    changed = subscriptions.resume(account)
    return Response(SubscriptionSerializer(changed).data)


@extend_schema(responses=NoticeSerializer(many=True))
@api_view(["GET"])
def notices(request: Request) -> Response:
    """What the person should know of their plan and has not closed, the newest first."""
    return Response(NoticeSerializer(news.open_of(request.user.pk), many=True).data)


@extend_schema(request=None, responses={204: None})
@api_view(["POST"])
def close_notice(request: Request, code: uuid.UUID) -> Response:
    """It was read and is not shown any more."""
    if not news.close(request.user.pk, code):
        raise refused("notice_unknown", status=404)
    return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(request=CodeSerializer, responses=RedeemedSerializer)
@api_view(["POST"])
def redeem(request: Request) -> Response:
    """Use a code that gives credits. One that gives a discount belongs to a purchase."""
    form = CodeSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    lot = promos.redeem(ledger.open_account(request.user.pk), form.validated_data["code"])
    return Response({"credits": lot.granted})


@extend_schema(request=CheckSerializer, responses=CheckedSerializer)
@api_view(["POST"])
def check(request: Request) -> Response:
    """What a product would cost with this code. Nothing is used by asking."""
    form = CheckSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    product = Product.objects.on_sale().filter(code=form.validated_data["product"]).first()
    if product is None:
        raise refused("product_gone", status=404)
    promo = promos.look(ledger.open_account(request.user.pk), form.validated_data["code"])
    answer = {
        "code": promo.code,
        "percent": promo.value,
        "prices": prices_with(product, promo),
        "before": {"RUB": product.rubles, "XTR": product.stars},
    }
    return Response(CheckedSerializer(answer).data)


class GiftViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Gifts that the person has made."""

    serializer_class = GiftSerializer
    queryset = Gift.objects.none()
    filterset_class = None
    lookup_field = "token"
    lookup_value_converter = "str"

    def get_queryset(self) -> QuerySet[Gift]:
        return Gift.objects.filter(giver__user=self.request.user.pk)

    @extend_schema(parameters=[IDEMPOTENCY_KEY], responses={201: GiftSerializer})
    def create(self, request: Request) -> Response:
        """Put credits into a link. Not taken in 30 days, they come back."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        wish = form.validated_data
        account = ledger.open_account(request.user.pk)
        code = gift_code(request.user.pk, client_key(request))
        gift = gifts.give(account, wish["units"], code=code, words=wish.get("words", ""))
        return Response(self.get_serializer(gift).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=TakenSerializer)
    @action(detail=True, methods=["post"])
    def take(self, request: Request, token: str) -> Response:
        """The gift of this link becomes the credits of whoever asks first."""
        gift = gifts.take(ledger.open_account(request.user.pk), token)
        return Response(TakenSerializer(gift).data)


@extend_schema(responses=InvitesSerializer)
@api_view(["GET"])
def referrals(request: Request) -> Response:
    """The person's links, how many came by them, and for how many they were thanked."""
    return Response(InvitesSerializer(inviting.of(request.user.pk)).data)


def gift_code(user_id: int, key: str | None) -> uuid.UUID | None:
    """The same key of the same person is the same gift; no key is a new one."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"gift:{user_id}:{key}") if key else None
