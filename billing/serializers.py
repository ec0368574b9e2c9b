"""The JSON of money. Amounts are strings with two decimals, units are whole numbers."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing import gateways, history, promos, words
from billing.models import Entry, Gift, Notice, Payment, Product, Promo, Refund, Subscription


class EnoughSerializer(serializers.Serializer):
    """What the units pay for: this many of the one, or of the other."""

    tryons = serializers.IntegerField()
    pictures = serializers.IntegerField()


class PricesSerializer(serializers.Serializer):
    RUB = serializers.DecimalField(max_digits=9, decimal_places=2)
    XTR = serializers.IntegerField(allow_null=True, help_text="Telegram Stars; null: not for Stars")


class ProductSerializer(serializers.ModelSerializer):
    title = serializers.SerializerMethodField()
    prices = serializers.SerializerMethodField()
    enough_for = serializers.SerializerMethodField()
    gateways = serializers.SerializerMethodField()

    class Meta:
        model = Product
        fields = ("code", "sort", "title", "units", "days", "prices", "enough_for", "gateways")
        read_only_fields = fields

    def get_title(self, product: Product) -> str:
        return words.name_of(product)

    @extend_schema_field(PricesSerializer)
    def get_prices(self, product: Product) -> Any:
        return PricesSerializer({"RUB": product.rubles, "XTR": product.stars}).data

    @extend_schema_field(EnoughSerializer)
    def get_enough_for(self, product: Product) -> dict[str, int]:
        return words.enough_for(product)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_gateways(self, product: Product) -> list[str]:
        return gateways.selling(product)


class RefundSerializer(serializers.ModelSerializer):
    class Meta:
        model = Refund
        fields = ("code", "status", "amount", "units", "created_at", "settled_at")
        read_only_fields = fields


class PaymentSerializer(serializers.ModelSerializer):
    """``page`` is where it is paid. ``reason`` says in words why it was not."""

    product = serializers.SlugRelatedField("code", read_only=True)
    title = serializers.CharField(source="name")
    reason = serializers.SerializerMethodField()
    receipt = serializers.SerializerMethodField()
    refunds = RefundSerializer(many=True, read_only=True)

    class Meta:
        model = Payment
        fields = (
            "code", "status", "purpose", "gateway", "page", "product", "title", "units", "days",
            "price", "amount", "currency", "errand", "test", "reason", "receipt", "refunded",
            "refunds", "created_at", "settled_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_reason(self, payment: Payment) -> str:
        return str(words.why_unpaid(payment))

    def get_receipt(self, payment: Payment) -> str:
        return str(words.receipt_of(payment))


class OrderSerializer(serializers.Serializer):
    """A purchase to be made."""

    product = serializers.SlugField()
    gateway = serializers.ChoiceField(sorted(gateways.GATEWAYS))
    contact = serializers.CharField(
        max_length=120, allow_blank=True, default="", help_text="e-mail or phone for the receipt"
    )
    save_method = serializers.BooleanField(
        default=False, help_text="the person agrees that the plan renews by itself"
    )
    promo = serializers.CharField(max_length=32, allow_blank=True, default="")
    errand = serializers.UUIDField(
        allow_null=True, default=None, help_text="what goes on by itself once it is paid"
    )


class MoveSerializer(serializers.ModelSerializer):
    what = serializers.SerializerMethodField()
    delta = serializers.IntegerField(source="moved")
    kind = serializers.CharField(source="lot.kind")
    after = serializers.IntegerField(help_text="units of this kind afterwards")

    class Meta:
        model = Entry
        fields = ("what", "delta", "kind", "after", "created_at")
        read_only_fields = fields

    def get_what(self, entry: Entry) -> str:
        return str(history.told(entry))


class SubscriptionSerializer(serializers.ModelSerializer):
    """The person's plan. ``renews``: it is charged by itself when it ends."""

    product = serializers.SlugRelatedField("code", read_only=True)
    title = serializers.CharField(source="product.name")
    running = serializers.SerializerMethodField()
    can_resume = serializers.SerializerMethodField()

    class Meta:
        model = Subscription
        fields = (
            "product", "title", "running", "renews", "can_resume", "started_at", "ends_at",
            "cancelled_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_running(self, subscription: Subscription) -> bool:
        return subscription.ends_at > timezone.now()

    def get_can_resume(self, subscription: Subscription) -> bool:
        return self.get_running(subscription) and bool(subscription.method)


class NoticeSerializer(serializers.ModelSerializer):
    """News of the person's plan, in their language."""

    text = serializers.SerializerMethodField()

    class Meta:
        model = Notice
        fields = ("code", "sort", "text", "created_at")
        read_only_fields = fields

    def get_text(self, notice: Notice) -> str:
        return words.notice(notice)[0]


class CodeSerializer(serializers.Serializer):
    code = serializers.CharField(max_length=32)


class CheckSerializer(CodeSerializer):
    product = serializers.SlugField()


class CheckedSerializer(serializers.Serializer):
    """Prices of the product with the code, and without it."""

    code = serializers.CharField()
    percent = serializers.IntegerField()
    prices = PricesSerializer()
    before = PricesSerializer()


class RedeemedSerializer(serializers.Serializer):
    credits = serializers.IntegerField(help_text="that the code gave")


class GiftSerializer(serializers.ModelSerializer):
    """A gift as its giver sees it."""

    link = serializers.SerializerMethodField()
    units = serializers.IntegerField(min_value=1)

    class Meta:
        model = Gift
        fields = ("code", "units", "words", "link", "status", "created_at", "expires_at")
        read_only_fields = ("code", "link", "status", "created_at", "expires_at")

    def get_link(self, gift: Gift) -> str:
        return settings.SITE_URL + reverse("gift", args=[gift.token])


class TakenSerializer(serializers.ModelSerializer):
    """A gift as its taker sees it."""

    class Meta:
        model = Gift
        fields = ("units", "words", "status")
        read_only_fields = fields


class LinksSerializer(serializers.Serializer):
    web = serializers.CharField()
    telegram = serializers.CharField(help_text="empty where no bot is named")


class InvitesSerializer(serializers.Serializer):
    """The person's invitation, and what came of it."""

    code = serializers.CharField()
    links = LinksSerializer()
    thanks = serializers.IntegerField(help_text="credits for each friend's first picture")
    invited = serializers.IntegerField()
    thanked = serializers.IntegerField()


def prices_with(product: Product, promo: Promo) -> dict[str, Any]:
    """Prices in both currencies after a discount. Stars are whole, so they are rounded up."""
    stars = product.stars and promos.discounted(Decimal(product.stars), promo)
    return {
        "RUB": promos.discounted(product.rubles, promo),
        "XTR": stars and int(stars.to_integral_value(ROUND_CEILING)),
    }
